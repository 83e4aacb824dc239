// SyncStorage
