import ArgumentParser
import AsyncHTTPClient
import Configuration
import Hummingbird
import JWTKit
import Logging
import ServiceLifecycle
import Yams
import SQLiteStorage
import SyncHTTP
print("x")
