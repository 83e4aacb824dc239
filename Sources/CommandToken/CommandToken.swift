import Causality
import Foundation

/// Gets a token from a command, for programs of the terminal. An app asks its identity provider.
///
/// It is the C library's `popen`, and not Foundation's `Process`, which on Linux crashes or never returns now and then where other
/// threads start processes too.
public struct CommandToken: Sendable {
    private let command: String

    /// - Parameter command: for the shell. The device id is added to it.
    public init(_ command: String) { self.command = command }

    /// Runs the command. - Returns: what it prints.
    /// - Throws: ``NoToken`` where it fails or prints nothing.
    public func token(for device: DeviceID) async throws -> String {
        let quoted = "'" + device.name.text.replacing("'", with: #"'\''"#) + "'"
        // It must not read the app's commands.
        let whole = "{ \(command) \(quoted)\n} </dev/null"
        let printed: [UInt8]? = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Self.output(of: whole)) }
        }
        let token = String(decoding: printed ?? [], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !token.isEmpty else { throw NoToken() }
        return token
    }

    /// What a command prints; nil where it fails. Blocks until it has ended.
    private static func output(of command: String) -> [UInt8]? {
        guard let stream = popen(command, "r") else { return nil }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = fread(&buffer, 1, buffer.count, stream)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return pclose(stream) == 0 ? bytes : nil
    }

    /// The command has no token.
    public struct NoToken: Error {
        public init() {}
    }
}
