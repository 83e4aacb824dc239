// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that the server's build does not carry what only measuring needs.
let package = Package(
    name: "rejoin-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "rejoin", path: ".."),
        .package(url: "https://github.com/ordo-one/benchmark.git", exact: "1.38.1", traits: []),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift.git", exact: "0.2.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift.git", exact: "7.10.0"),
    ],
    targets: [
        .target(
            name: "BatchPath",
            dependencies: [
                .product(name: "Causality", package: "rejoin"),
                .product(name: "Values", package: "rejoin"), .product(name: "StrictJSON", package: "rejoin"),
                .product(name: "MergeCore", package: "rejoin"),
                .product(name: "SyncWire", package: "rejoin"), .product(name: "SyncStorage", package: "rejoin"),
                .product(name: "SyncEngine", package: "rejoin"), .product(name: "Logging", package: "swift-log"),
            ],
            path: "BatchPath",
            swiftSettings: [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]),
        .executableTarget(
            name: "batch-cpu", dependencies: ["BatchPath"], path: "BatchCPU",
            swiftSettings: [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]),
        .executableTarget(
            name: "device-costs",
            dependencies: [
                .product(name: "Causality", package: "rejoin"), .product(name: "Values", package: "rejoin"),
                .product(name: "StrictJSON", package: "rejoin"), .product(name: "MergeCore", package: "rejoin"),
                .product(name: "SyncWire", package: "rejoin"), .product(name: "DeviceReplica", package: "rejoin"),
                .product(name: "SyncedTables", package: "rejoin"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            path: "DeviceCosts",
            swiftSettings: [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]),
        .target(
            name: "LoadDriver", dependencies: [.product(name: "Histogram", package: "hdrhistogram-swift")],
            path: "LoadDriver",
            swiftSettings: [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]),
        .executableTarget(
            name: "bench",
            dependencies: [
                "LoadDriver", .product(name: "Causality", package: "rejoin"),
                .product(name: "Values", package: "rejoin"), .product(name: "StrictJSON", package: "rejoin"),
                .product(name: "MergeCore", package: "rejoin"), .product(name: "SyncWire", package: "rejoin"),
                .product(name: "SyncStorage", package: "rejoin"), .product(name: "SQLiteStorage", package: "rejoin"),
                .product(name: "SyncEngine", package: "rejoin"),
                .product(name: "PostgreSQLCluster", package: "rejoin"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"), .product(name: "Logging", package: "swift-log"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Bench", resources: [.embedInCode("HandWritten/push.sql")],
            swiftSettings: [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]),
        .executableTarget(
            name: "CoreAndWire",
            dependencies: [
                "BatchPath",
                .product(name: "Benchmark", package: "benchmark"), .product(name: "Causality", package: "rejoin"),
                .product(name: "Values", package: "rejoin"), .product(name: "StrictJSON", package: "rejoin"),
                .product(name: "MergeCore", package: "rejoin"), .product(name: "SyncWire", package: "rejoin"),
                .product(name: "SyncStorage", package: "rejoin"), .product(name: "SyncEngine", package: "rejoin"),
            ],
            path: "Benchmarks/CoreAndWire",
            swiftSettings: [.swiftLanguageMode(.v6)],
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    ]
)
