import Causality
import Foundation

/// Gets a token from a command, for programs of the terminal. An app asks its identity provider.
public struct CommandToken: Sendable {
    private let command: String

    /// - Parameter command: for the shell. The device id is added to it.
    public init(_ command: String) { self.command = command }

    /// Runs the command. - Returns: what it prints.
    /// - Throws: ``NoToken`` where it fails or prints nothing.
    public func token(for device: DeviceID) async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command + " \"$0\"", device.name.text]
        let output = Pipe()
        process.standardOutput = output
        // It must not read the app's commands.
        process.standardInput = FileHandle.nullDevice
        let ended: Data = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                do {
                    try process.run()
                    let data = output.fileHandleForReading.readDataToEndOfFile()
                    process.waitUntilExit()
                    continuation.resume(returning: process.terminationStatus == 0 ? data : Data())
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
        let token = String(decoding: ended, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !token.isEmpty else { throw NoToken() }
        return token
    }

    /// The command has no token.
    public struct NoToken: Error {
        public init() {}
    }
}
