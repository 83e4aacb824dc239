import Causality
import MergeCore
import SyncWire
import Testing
import Values

/// A small device that does what it is told: by `retryable` and `Retry-After`, and by the line that `docs/protocol.md` has for
/// each code. It knows nothing else about the server.
struct HonestDevice {
    let server: TestServer
    var id: String
    var token: String
    /// What the user would do: signs in again, or lets the app register under the next id.
    var nextToken: (_ device: String) async throws -> String
    /// What happens in the world while the device waits.
    var meanwhile: (_ seconds: Int) async throws -> Void
    var isAtomic = true
    /// How many operations a batch takes, where it was told to send fewer.
    private var portion = Int.max
    var pending: [Draft] = []
    /// What the user was told of, with the code that said so.
    var setAside: [(draft: Draft, code: String)] = []
    var seen: Set<String> = []
    var requests = 0
    /// Which operations the last answer took.
    private(set) var outcomes: [String: String] = [:]

    init(_ server: TestServer, _ id: String = "mac", token: String? = nil) async throws {
        self.server = server
        self.id = id
        self.token = if let token { token } else { try await server.token(device: id, roles: ["device"]) }
        nextToken = { try await server.token(device: $0, roles: ["device"]) }
        meanwhile = { server.clock.advance(milliseconds: Int64($0) * 1_000) }
    }

    /// Sends what is pending until nothing is.
    /// - Parameters:
    ///   - key: of the first batch.
    ///   - most: requests, after which this is called a circle.
    mutating func settle(key first: String? = nil, most: Int = 8) async throws {
        var key = first ?? Fresh.id("batch")
        while !pending.isEmpty {
            try #require(requests < most, "the device goes in a circle: \(seen.sorted())")
            let batch = Array(pending.prefix(portion))
            let answer = try await ask(.post, "/v1/batches", key: key, body: batchBody(batch, atomic: isAtomic))
            guard let code = note(answer) else {
                for (draft, result) in zip(batch, answer["results"]?.elements ?? []) {
                    outcomes[draft.id] = result["outcome"]?.text
                    guard let error = result["error"] else {
                        pending.removeAll { $0.id == draft.id }
                        continue
                    }
                    // What is wrong stands in `errors`, as in a batch that was refused.
                    let why = error["errors"]?.elements.first ?? error
                    try await obey(why["code"]?.text ?? "", draft.id, why)
                }
                key = Fresh.id("batch")
                continue
            }
            if code == "batch_refused" {
                var obeyed: Set<String> = []
                for error in answer["errors"]?.elements ?? [] {
                    guard let name = error["id"]?.text, obeyed.insert(name).inserted else { continue }
                    try await obey(error["code"]?.text ?? "", name, error)
                }
                key = Fresh.id("batch")
            } else {
                key = try await obey(code, of: answer, key: key)
            }
        }
    }

    /// - Returns: the code; nil for an answer that is no problem.
    private mutating func note(_ answer: Answer) -> String? {
        guard answer.status >= 400 else {
            for result in answer["results"]?.elements ?? [] {
                for error in result["error", "errors"]?.elements ?? [] { seen.insert(error["code"]?.text ?? "") }
            }
            return nil
        }
        let code = answer.code ?? "?"
        seen.insert(code)
        for error in answer["errors"]?.elements ?? [] { seen.insert(error["code"]?.text ?? "") }
        return code
    }

    private mutating func ask(
        _ method: HTTPMethod, _ uri: String, key: String? = nil, body: String? = nil
    ) async throws -> Answer {
        requests += 1
        var headers: [(String, String)] = []
        if let key { headers.append(("Idempotency-Key", key)) }
        if body != nil { headers.append(("Content-Type", "application/json")) }
        return try await server.send(
            method == .get ? .get : .post, uri, token: token, headers: headers, body: body.map { Array($0.utf8) })
    }

    private enum HTTPMethod { case get, post }

    // MARK: What is said of a request

    /// - Returns: the key to go on with.
    private mutating func obey(_ code: String, of answer: Answer, key: String) async throws -> String {
        switch code {
        case "storage_unavailable", "overloaded", "rate_limited", "internal_error", "request_timeout":
            guard answer["retryable"] == true else {
                leave(code)
                return key
            }
            try await meanwhile(answer.header("Retry-After").flatMap { Int($0) } ?? 1)
            return key
        case "token_expired", "unauthenticated":
            token = try await nextToken(id)
            return key
        case "device_retired":
            try await beAnother()
            return Fresh.id("batch")
        case "idempotency_key_missing", "idempotency_key_invalid", "idempotency_key_reused": return Fresh.id("batch")
        case "batch_too_large":
            guard pending.count > 1 else {
                leave(code)
                return key
            }
            let rest = pending.suffix(pending.count / 2)
            pending.removeLast(rest.count)
            try await settle(most: requests + 8)
            pending = Array(rest)
            return Fresh.id("batch")
        default:
            #expect(answer["retryable"] == false, "\(code) says that the same may be sent again, and not when")
            leave(code)
            return key
        }
    }

    private mutating func leave(_ code: String) {
        setAside += pending.map { ($0, code) }
        pending = []
    }

    // MARK: What is said of an operation

    private mutating func obey(_ code: String, _ name: String, _ error: Value) async throws {
        guard let index = pending.firstIndex(where: { $0.id == name }) else { return }
        switch code {
        case "clock_gap":
            let expected = error["expectedCounter"] ?? .null
            let record = pending[index].record
            let first = pending.firstIndex { $0.record == record && $0.clock[.name(id)] == expected }
            if let first {
                pending.insert(pending.remove(at: first), at: min(index, first))
            } else {
                pending[index].clock = pending[index].clock.setting(id, expected)
            }
        case "clock_ahead":
            pending[index].clock = try await nextClock(of: pending[index])
        case "record_exists":
            let record = try await ask(.get, path(of: pending[index]))
            pending[index].kind = record["deleted"] == true ? "restore" : "update"
            pending[index].clock = try await nextClock(of: pending[index])
        case "record_deleted":
            pending[index].kind = "restore"
            pending[index].clock = try await nextClock(of: pending[index])
        case "record_purged":
            pending[index].record = Fresh.id("record")
            pending[index].kind = "create"
            pending[index].clock = Value.object([]).setting(id, 1)
        case "counter_reused": try await beAnother()
        case "batch_full": portion = max(min(portion, index), 1)
        case "operation_id_reused": pending[index].id = Fresh.id()
        case "dependency_failed":
            let gone = setAside.contains { pending[index].dependsOn.contains($0.draft.id) }
            if gone { setAside.append((pending.remove(at: index), code)) }
        default: setAside.append((pending.remove(at: index), code))
        }
    }

    private func path(of draft: Draft) -> String { "/v1/records/\(draft.collection)/\(draft.record)" }

    /// The record's clock with the device's own entry raised by one.
    private mutating func nextClock(of draft: Draft) async throws -> Value {
        let answer = try await ask(.get, path(of: draft))
        let clock = answer["clock"] ?? .object([])
        let own: Int64 = if case .integer(let counter)? = clock[.name(id)] { counter } else { 0 }
        return clock.setting(id, .integer(own + 1))
    }

    /// A new id, under which what is pending is numbered anew. The operations keep theirs.
    private mutating func beAnother() async throws {
        id += "-new"
        token = try await nextToken(id)
        _ = try await ask(.post, "/v1/devices", body: #"{"id":"\#(id)"}"#)
        var next: [String: Value] = [:]
        for index in pending.indices {
            let record = pending[index].record
            let clock: Value =
                if let last = next[record], case .integer(let own)? = last[.name(id)] {
                    last.setting(id, .integer(own + 1))
                } else { try await nextClock(of: pending[index]) }
            next[record] = clock
            pending[index].clock = clock
            // The record may be there by now: what was a create of it goes on as an update.
            if pending[index].kind == "create", clock != Value.object([]).setting(id, 1) {
                pending[index].kind = "update"
            }
        }
    }
}

extension Value {
    /// An object with a member set.
    func setting(_ name: String, _ value: Value) -> Value {
        guard case .object(let object) = self else { return self }
        var members = object.members.filter { $0.name.text != name }.map { ($0.name, $0.value) }
        members.append((ExactString(name), value))
        return .object(members)
    }
}
