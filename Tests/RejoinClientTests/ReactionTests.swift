import Causality
import EngineHarness
import Foundation
import MergeCore
import SyncWire
import Testing
import Values

@testable import DeviceReplica

/// Each code of the protocol is heard once, by the call and by an operation, and what docs/client.md says of it happens. Either way
/// the edit is there at the end, or it is parked with the code, or the sync is paused and the edit is pending.
@Suite("reactions to codes")
struct ReactionTests {
    /// How the story of an edit ends.
    private enum End: Equatable {
        case arrived, parked, paused
    }

    /// Runs the body with a device that has synced a record, has edited it, and hears the forgery.
    private func hear(
        _ forgery: ForgedConnection.Forgery,
        _ body: @escaping @Sendable (TestServer, TestDevice, ForgedConnection) async throws -> Void
    ) async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let connection = ForgedConnection(RouterConnection(server: server))
                let ipad = try TestDevice("ipad", on: server, in: directory, connection: connection)
                try await ipad.client.write { try $0.create("notes", "n", ["text": "first"]) }
                try await ipad.sync()
                try await ipad.client.write { try $0.update("notes", "n", ["text": "edited"]) }
                connection.forge(forgery)
                try await body(server, ipad, connection)
            }
        }
    }

    /// Syncs until it ends, as `run` does after each wait.
    private static func settle(_ device: TestDevice) async throws -> SyncPause? {
        for _ in 0..<10 {
            do {
                try await device.sync()
                return nil
            } catch SyncFailure.paused(let pause) {
                return pause
            } catch SyncFailure.refused, SyncFailure.noAnswer {
                continue
            }
        }
        throw Unexpected("it never ends")
    }

    private static func check(_ expected: End, _ code: String, _ server: TestServer, _ device: TestDevice) async throws
    {
        let pause = try await settle(device)
        let record = try #require(try await server.record("notes", "n"))
        let end: End =
            if record.fields == #"{"text":"edited"}"# { .arrived } else if pause != nil { .paused } else { .parked }
        #expect(end == expected, "\(code): \(record.fields), \(String(describing: pause))")
        let (pending, parked) = (try await device.client.pending().count, try await device.client.parked())
        #expect(pending == (end == .paused ? 1 : 0), "\(code)")
        #expect(parked.map(\.fields["text"]) == (end == .parked ? ["edited"] : []), "\(code)")
        if end == .parked { #expect(parked.first?.code == code || code == "batch_refused", "\(parked)") }
    }

    @Test("a call that is refused with a code ends as the table says", arguments: ProblemCode.allCases)
    func calls(code: ProblemCode) async throws {
        try await hear(.call(code)) { server, ipad, connection in
            let expected: End =
                switch CallReaction(to: Problem(code, "")) {
                case .pause: .paused
                // A single operation that is at fault by itself.
                case .splitBatch, .lookAtErrors: .parked
                case .retryLater, .renewToken, .takeNewIdentity, .pullAgain, .changeKey: .arrived
                }
            try await Self.check(expected, code.rawValue, server, ipad)
            let batches = connection.batches
            switch CallReaction(to: Problem(code, "")) {
            case .retryLater, .renewToken, .pullAgain:
                #expect(batches.count == 2 && batches[0].key == batches[1].key && batches[0].body == batches[1].body)
            case .changeKey: #expect(batches.count == 2 && batches[0].key != batches[1].key)
            case .takeNewIdentity: #expect(try await ipad.client.device() != "ipad")
            case .splitBatch, .lookAtErrors, .pause: #expect(batches.count == 1)
            }
        }
    }

    @Test("an operation that is refused with a code ends as the table says", arguments: Rejection.Code.allCases)
    func operations(code: Rejection.Code) async throws {
        try await hear(.operation(code)) { server, ipad, connection in
            let reaction = OperationReaction(to: ProblemCode(code))
            try await Self.check(reaction == .park ? .parked : .arrived, code.rawValue, server, ipad)
            switch reaction {
            case .takeNewIdentity: #expect(try await ipad.client.device() != "ipad")
            case .park: #expect(connection.batches.count == 1)
            case .refetch, .rename, .waitForOthers, .splitBatch: #expect(connection.batches.count == 2)
            }
        }
    }

    @Test(
        "what is refused again and again with a code that asks for another try is parked after five",
        arguments: [
            Rejection.Code.clockGap, .clockAhead, .operationIDReused, .batchFull,
        ])
    func noCircle(code: Rejection.Code) async throws {
        try await hear(.operation(code)) { server, ipad, connection in
            connection.forge(.operation(code), times: 100)
            try await Self.check(.parked, code.rawValue, server, ipad)
            #expect(connection.batches.count == 6)
        }
    }
}
