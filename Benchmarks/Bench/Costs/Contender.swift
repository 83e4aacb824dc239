import Foundation

/// A build of the server that is measured, with its own data: the one that is worked on, and the one before it.
struct Contender {
    let name: String
    /// The release build of `rejoin`.
    let program: String
    private let directory: String
    private let tokens: Tokens

    init(_ context: Context, name: String, program: String) throws {
        self.name = name
        self.program = program
        directory = "\(context.directory)/\(name)"
        tokens = Tokens(program: program, data: "\(directory)/keys")
        try Self.makeDirectory("\(directory)/keys")
        // Makes the signing key, which all its servers share.
        try Server(program, data: "\(directory)/keys", database: nil).stop()
    }

    private static func makeDirectory(_ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    /// Starts a server with an embedded database of its own.
    func startOnSQLite(_ name: String) throws -> Subject {
        let data = try makeData(name)
        return Subject(
            server: try Server(program, data: data, database: nil), database: .sqlite("\(data)/rejoin.sqlite"),
            tokens: tokens)
    }

    /// Starts a server with a database of its own in a cluster that others use too.
    func startOnPostgreSQL(_ instance: PostgreSQLInstance) async throws -> Subject {
        let data = try makeData("postgresql")
        let database = try await instance.makeDatabase(name, program: program, data: data)
        return Subject(
            server: try Server(program, data: data, database: database.serverConninfo),
            database: .postgresql(instance, database), tokens: tokens)
    }

    private func makeData(_ name: String) throws -> String {
        let data = "\(directory)/\(name)"
        try Self.makeDirectory(data)
        try FileManager.default.copyItem(
            atPath: "\(directory)/keys/signing.key", toPath: "\(data)/signing.key")
        return data
    }
}
