// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]

extension Target.Dependency {
    /// A product that the server, the examples and the tests need, and an app on `RejoinClient` does not: an app that asks for the
    /// package with `traits: []` does not even resolve it.
    static func server(_ product: String, _ package: String) -> Target.Dependency {
        .product(name: product, package: package, condition: .when(traits: ["Server"]))
    }
}

let package = Package(
    name: "rejoin",
    platforms: [.macOS(.v15), .iOS(.v18), .tvOS(.v18), .watchOS(.v11), .visionOS(.v2)],
    products: [
        .executable(name: "rejoin", targets: ["rejoin"]),
        // Syncs any SQLite file from the shell.
        .executable(name: "rejoin-device", targets: ["rejoin-device"]),
        // For apps. An app imports `RejoinClient`, and `Values` for what fields hold.
        .library(
            name: "RejoinClient",
            targets: ["RejoinClient", "SyncedTables", "DeviceReplica", "Values", "Causality", "MergeCore"]),
        .library(name: "DeviceReplica", targets: ["DeviceReplica"]),
        .library(name: "SyncedTables", targets: ["SyncedTables"]),
        // For programs on Linux that are clients.
        .library(name: "AsyncHTTPConnection", targets: ["AsyncHTTPConnection"]),
        .library(name: "Causality", targets: ["Causality"]),
        .library(name: "Values", targets: ["Values"]),
        .library(name: "StrictJSON", targets: ["StrictJSON"]),
        .library(name: "MergeCore", targets: ["MergeCore"]),
        .library(name: "SyncWire", targets: ["SyncWire"]),
        .library(name: "SyncStorage", targets: ["SyncStorage"]),
        .library(name: "SyncEngine", targets: ["SyncEngine"]),
        .library(name: "StorageConformance", targets: ["StorageConformance"]),
        // For `Benchmarks/`.
        .library(name: "SQLiteStorage", targets: ["SQLiteStorage"]),
        .library(name: "PostgreSQLCluster", targets: ["PostgreSQLCluster"]),
    ],
    traits: [
        .default(enabledTraits: ["Server"]),
        .trait(name: "Server", description: "What the server rests on, beside what an app gets."),
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", exact: "2.28.1"),
        .package(url: "https://github.com/groue/GRDB.swift.git", exact: "7.10.0"),
        .package(url: "https://github.com/vapor/jwt-kit.git", exact: "5.7.1"),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams.git", exact: "6.2.2"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-certificates.git", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-http-types.git", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-async-algorithms.git", exact: "1.1.4"),
        .package(url: "https://github.com/swift-server/async-http-client.git", exact: "1.37.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache.git", exact: "2.1.1"),
        // For tests.
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", exact: "1.0.2", traits: []),
    ],
    targets: [
        .target(name: "Causality", swiftSettings: strict),
        .target(name: "Values", dependencies: ["Causality"], swiftSettings: strict),
        .target(name: "StrictJSON", dependencies: ["Causality", "Values"], swiftSettings: strict),
        .target(name: "MergeCore", dependencies: ["Causality", "Values"], swiftSettings: strict),
        .target(
            name: "SyncWire",
            dependencies: [
                "Causality", "Values", "StrictJSON", "MergeCore", .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .target(
            name: "SyncStorage",
            dependencies: [
                "Causality", "Values", "StrictJSON", "MergeCore", "SyncWire",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .target(
            name: "SQLiteStorage",
            dependencies: [
                "Causality", "Values", "MergeCore", "SyncStorage",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            // One binary: the schema travels inside it. `Schemas` is a link to the directory of that name.
            resources: [
                .embedInCode("Schemas/V0001_initial.sql"), .embedInCode("Schemas/V0002_reviewing.sql"),
                .embedInCode("Schemas/V0003_one_time_codes.sql"),
                .embedInCode("Schemas/V0004_nothing_twice.sql"), .embedInCode("Schemas/V0005_access.sql"),
                .embedInCode("Schemas/V0006_operations_in_groups.sql"),
                .embedInCode("Schemas/V0007_devices_of_a_user.sql"), .embedInCode("Schemas/V0008_lives.sql"),
                .embedInCode("Schemas/V0009_people.sql"),
            ],
            swiftSettings: strict),
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev", "libssl-dev"])]),
        .target(
            name: "PostgreSQLStorage",
            dependencies: ["CLibPQ", "Causality", "Values", "StrictJSON", "MergeCore", "SyncStorage"],
            resources: [
                .embedInCode("Schemas/V0001_initial.sql"), .embedInCode("Schemas/V0002_one_time_codes.sql"),
                .embedInCode("Schemas/V0003_counts_of_values.sql"),
                .embedInCode("Schemas/V0004_nothing_twice.sql"), .embedInCode("Schemas/V0005_access.sql"),
                .embedInCode("Schemas/V0006_operations_in_groups.sql"),
                .embedInCode("Schemas/V0007_settings_of_transactions.sql"),
                .embedInCode("Schemas/V0008_devices_of_a_user.sql"), .embedInCode("Schemas/V0009_lives.sql"),
                .embedInCode("Schemas/V0010_people.sql"),
            ],
            swiftSettings: strict),
        .target(
            name: "SyncEngine",
            dependencies: [
                "Causality", "Values", "MergeCore", "SyncWire", "SyncStorage",
                .server("Logging", "swift-log"),
            ], swiftSettings: strict),
        .target(
            name: "ReviewPage",
            dependencies: ["Causality", .server("Mustache", "swift-mustache")],
            resources: [
                .embedInCode("Assets/favicon.svg"),
                .embedInCode("Assets/review.css"),
                .embedInCode("Assets/review.js"),
                .embedInCode("Templates/bulk-result.mustache"),
                .embedInCode("Templates/bulk.mustache"),
                .embedInCode("Templates/conflict.mustache"),
                .embedInCode("Templates/diagram.mustache"),
                .embedInCode("Templates/field.mustache"),
                .embedInCode("Templates/filters.mustache"),
                .embedInCode("Templates/front.mustache"),
                .embedInCode("Templates/history.mustache"),
                .embedInCode("Templates/list.mustache"),
                .embedInCode("Templates/message.mustache"),
                .embedInCode("Templates/name.mustache"),
                .embedInCode("Templates/notice.mustache"),
                .embedInCode("Templates/page-bottom.mustache"),
                .embedInCode("Templates/page-top.mustache"),
                .embedInCode("Templates/row.mustache"),
                .embedInCode("Templates/runs.mustache"),
                .embedInCode("Templates/sentence.mustache"),
                .embedInCode("Templates/side.mustache"),
                .embedInCode("Templates/sign-in.mustache"), .embedInCode("Templates/sessions.mustache"),
                .embedInCode("Templates/summary.mustache"),
                .embedInCode("Templates/text.mustache"),
                .embedInCode("Templates/time.mustache"),
                .embedInCode("Templates/value.mustache"),
            ],
            swiftSettings: strict),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "SyncHTTP",
            dependencies: [
                "CZlib", "Causality", "Values", "StrictJSON", "MergeCore", "SyncWire", "SyncStorage", "SyncEngine",
                "ReviewPage",
                .server("Hummingbird", "hummingbird"),
                .server("HummingbirdCore", "hummingbird"),
                .server("ServiceLifecycle", "swift-service-lifecycle"),
                .server("JWTKit", "jwt-kit"),
                .product(name: "Crypto", package: "swift-crypto"),
                .server("Logging", "swift-log"),
                .server("NIOCore", "swift-nio"),
                .server("NIOHTTP1", "swift-nio"),
                .server("NIOWebSocket", "swift-nio"),
                .server("NIOTLS", "swift-nio"),
                .server("NIOSSL", "swift-nio-ssl"),
                .server("NIOHTTP2", "swift-nio-http2"),
                .server("NIOHPACK", "swift-nio-http2"),
                .server("NIOHTTPTypesHTTP2", "swift-nio-extras"),
                .server("X509", "swift-certificates"),
                .server("HTTPTypes", "swift-http-types"),
                .server("AsyncAlgorithms", "swift-async-algorithms"),
            ],
            resources: [.embedInCode("Contract/openapi.yaml")],
            swiftSettings: strict),
        .target(
            name: "RejoinClient",
            dependencies: [
                "Causality", "DeviceReplica", "SyncedTables", .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict),
        .target(
            name: "AsyncHTTPConnection",
            dependencies: [
                "DeviceReplica", .server("AsyncHTTPClient", "async-http-client"), .server("NIOCore", "swift-nio"),
                .server("NIOHTTP1", "swift-nio"),
            ],
            swiftSettings: strict),
        .target(
            name: "SyncedTables",
            dependencies: [
                "Causality", "Values", "StrictJSON", "MergeCore", "DeviceReplica",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            resources: [.embedInCode("Schemas/V0001_tables.sql")], swiftSettings: strict),
        .target(
            name: "DeviceReplica",
            dependencies: [
                "Causality", "Values", "StrictJSON", "MergeCore", "SyncWire",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            resources: [.embedInCode("Schemas/V0001_replica.sql")], swiftSettings: strict),
        .target(
            name: "StorageConformance",
            dependencies: [
                "Causality", "Values", "StrictJSON", "MergeCore", "SyncWire", "SyncStorage", "SeededRandom",
            ],
            swiftSettings: strict),
        .target(
            name: "SeededRandom", dependencies: ["Causality", "Values"], path: "Tests/SeededRandom",
            swiftSettings: strict),
        .target(
            name: "PostgreSQLCluster", path: "Tests/PostgreSQLCluster", resources: [.embedInCode("keeper.sh")],
            swiftSettings: strict),
        .target(
            name: "RejoinProcesses",
            dependencies: [
                "Causality", "Values", "StrictJSON", "MergeCore", "SyncWire",
                .server("AsyncHTTPClient", "async-http-client"),
                .server("NIOCore", "swift-nio"), .server("NIOHTTP1", "swift-nio"), .server("NIOPosix", "swift-nio"),
                .server("NIOSSL", "swift-nio-ssl"),
                .server("Subprocess", "swift-subprocess"),
            ], path: "Tests/RejoinProcesses", swiftSettings: strict),
        .target(
            name: "Browser",
            dependencies: [
                "Causality", "Values", "StrictJSON", "MergeCore", "SyncWire",
                .server("AsyncHTTPClient", "async-http-client"),
                .server("NIOCore", "swift-nio"),
                .server("Subprocess", "swift-subprocess"),
            ], path: "Tests/Browser", resources: [.embedInCode("keeper.sh")], swiftSettings: strict),
        .target(
            name: "EngineHarness", dependencies: ["MergeCore", "SyncStorage", "SyncEngine", "SeededRandom"],
            path: "Tests/EngineHarness", swiftSettings: strict),
        .executableTarget(
            name: "rejoin",
            dependencies: [
                "Causality", "Values", "StrictJSON", "MergeCore", "SyncWire", "SyncStorage", "SQLiteStorage",
                "PostgreSQLStorage", "SyncEngine", "SyncHTTP", "DeviceReplica", "AsyncHTTPConnection",
                .product(name: "GRDB", package: "GRDB.swift"),
                .server("ArgumentParser", "swift-argument-parser"),
                .server("ServiceLifecycle", "swift-service-lifecycle"),
                .server("UnixSignals", "swift-service-lifecycle"),
                .server("Yams", "Yams"),
                .server("Logging", "swift-log"),
                .server("AsyncHTTPClient", "async-http-client"),
                .server("JWTKit", "jwt-kit"),
                .server("Hummingbird", "hummingbird"),
            ],
            resources: [.embedInCode("Examples/contractor.yaml")],
            swiftSettings: strict),
        .target(name: "CommandToken", dependencies: ["Causality"], swiftSettings: strict),
        .executableTarget(
            name: "rejoin-device",
            dependencies: [
                "Causality", "Values", "StrictJSON", "MergeCore", "RejoinClient", "AsyncHTTPConnection", "CommandToken",
                .product(name: "GRDB", package: "GRDB.swift"), .server("ArgumentParser", "swift-argument-parser"),
            ], swiftSettings: strict),
        .executableTarget(
            name: "todo",
            dependencies: [
                "Causality", "Values", "MergeCore", "RejoinClient", "CommandToken",
                .product(name: "GRDB", package: "GRDB.swift"),
                .server("ArgumentParser", "swift-argument-parser"),
            ],
            path: "Examples/Todo", exclude: ["collections.yaml"], swiftSettings: strict),
        .executableTarget(
            name: "estimates",
            dependencies: [
                "Causality", "Values", "RejoinClient", "CommandToken", .product(name: "GRDB", package: "GRDB.swift"),
                .server("ArgumentParser", "swift-argument-parser"),
            ],
            path: "Examples/Estimates", swiftSettings: strict),
        .testTarget(name: "CausalityTests", dependencies: ["Causality"], swiftSettings: strict),
        .testTarget(
            name: "StrictJSONTests", dependencies: ["Causality", "Values", "StrictJSON", "SeededRandom"],
            swiftSettings: strict),
        .testTarget(
            name: "MergeCoreTests", dependencies: ["Causality", "Values", "MergeCore", "SeededRandom"],
            swiftSettings: strict),
        .testTarget(
            name: "SyncWireTests",
            dependencies: [
                "Causality", "Values", "StrictJSON", "MergeCore", "SyncWire", "SeededRandom",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SyncStorageTests",
            dependencies: [
                "Causality", "Values", "StrictJSON", "MergeCore", "SyncWire", "SyncStorage", "StorageConformance",
                "SeededRandom",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SQLiteStorageTests",
            dependencies: [
                "Causality", "MergeCore", "SyncStorage", "SQLiteStorage", "StorageConformance",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "PostgreSQLClusterTests", dependencies: ["PostgreSQLCluster"], swiftSettings: strict),
        .testTarget(
            name: "PostgreSQLStorageTests",
            dependencies: [
                "Causality", "Values", "MergeCore", "SyncStorage", "PostgreSQLStorage", "StorageConformance",
                "PostgreSQLCluster",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SyncEngineTests",
            dependencies: [
                "Causality", "Values", "MergeCore", "SyncWire", "SyncStorage", "SyncEngine", "EngineHarness",
                "SeededRandom", .server("Logging", "swift-log"),
            ], swiftSettings: strict),
        .testTarget(name: "ReviewPageTests", dependencies: ["Causality", "ReviewPage"], swiftSettings: strict),
        .testTarget(
            name: "SyncHTTPTests",
            dependencies: [
                "CZlib", "Causality", "Values", "StrictJSON", "MergeCore", "SyncWire", "SyncStorage", "SQLiteStorage",
                "PostgreSQLStorage", "SyncEngine", "SyncHTTP", "EngineHarness", "PostgreSQLCluster", "RejoinProcesses",
                .server("Hummingbird", "hummingbird"),
                .server("HummingbirdTesting", "hummingbird"),
                .server("HTTPTypes", "swift-http-types"),
                .server("NIOCore", "swift-nio"),
                .server("Logging", "swift-log"),
                .server("JWTKit", "jwt-kit"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .server("Yams", "Yams"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "RejoinTests",
            dependencies: [
                "Causality", "Values", "StrictJSON", "MergeCore", "SyncWire", "SyncEngine", "SyncHTTP", "rejoin",
                "SeededRandom",
                "PostgreSQLCluster",
                "RejoinProcesses", .server("AsyncHTTPClient", "async-http-client"),
                .server("NIOCore", "swift-nio"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "RejoinClientTests",
            dependencies: [
                "Causality", "Values", "StrictJSON", "MergeCore", "SyncWire", "SyncStorage", "SQLiteStorage",
                "SyncEngine", "SyncHTTP", "DeviceReplica", "SyncedTables", "RejoinClient", "AsyncHTTPConnection",
                "EngineHarness", "SeededRandom",
                "RejoinProcesses",
                "PostgreSQLCluster", "rejoin",
                .product(name: "GRDB", package: "GRDB.swift"),
                .server("Hummingbird", "hummingbird"),
                .server("HummingbirdTesting", "hummingbird"),
                .server("HTTPTypes", "swift-http-types"),
                .server("Logging", "swift-log"),
                .server("NIOCore", "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ReviewBrowserTests",
            dependencies: [
                "Causality", "Values", "MergeCore", "SyncWire", "rejoin", "RejoinProcesses", "Browser",
                "PostgreSQLCluster", .product(name: "Crypto", package: "swift-crypto"),
                .server("Hummingbird", "hummingbird"), .server("HTTPTypes", "swift-http-types"),
                .server("Logging", "swift-log"), .server("NIOCore", "swift-nio"),
            ], swiftSettings: strict),
    ]
)
