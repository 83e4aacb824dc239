import Causality
import MergeCore
import SeededRandom
import StrictJSON
import SyncWire
import Testing
import Values

/// What one side writes, the other reads: nothing is lost on the way, and nothing is made up.
@Suite("a document of the wire")
struct RoundTripTests {
    private static let seeds = UInt64(1)...400

    /// Writes documents, reads them, and writes what was read.
    private func check<Document: WireDocument & Equatable>(
        _ make: (inout SeededGenerator) -> Document, _ location: SourceLocation = #_sourceLocation
    ) throws {
        for seed in Self.seeds {
            var generator = SeededGenerator(seed: seed)
            let document = make(&generator)
            let bytes = document.encoded()
            let read = try Document(encoded: bytes)
            #expect(read == document, "seed \(seed)", sourceLocation: location)
            #expect(read.encoded() == bytes, "seed \(seed)", sourceLocation: location)
        }
    }

    @Test("is read as it was written: the answers to batches")
    func batchAnswers() throws { try check { $0.batchAnswer() } }

    @Test("is read as it was written: records and pages of the feed")
    func changes() throws {
        try check { $0.record() }
        try check { generator in
            RecordAnswer(
                record: generator.record(),
                dots: Set(generator.several { $0.name() }).sorted().map { unit in
                    .init(
                        unit: unit, dots: generator.several { Dot(device: DeviceID($0.name()), counter: $0.counter()) })
                })
        }
        try check { generator in
            ChangesPage(
                records: generator.several(6) { $0.record() },
                end: .init(
                    cursor: generator.text(), hasMore: generator.flag(), serverTimeMilliseconds: generator.time()))
        }
        try check { generator in
            RecordsAnswer(
                records: generator.several(6) { $0.record() }, omitted: generator.several { $0.recordKey() },
                serverTimeMilliseconds: generator.time())
        }
    }

    @Test("is read as it was written: queries of the feed and of records")
    func queries() throws {
        for seed in Self.seeds {
            var generator = SeededGenerator(seed: seed)
            let only = Dictionary(
                generator.several { ($0.name(), Set($0.several(6) { $0.name() })) }, uniquingKeysWith: { $1 })
            let request = FeedRequest(
                since: generator.optional { $0.name() }, limit: generator.optional { $0.counter() },
                collections: generator.flag() ? only.keys.sorted() : [], only: only,
                waitSeconds: generator.optional { Int64($0.below(60)) })
            #expect(try FeedRequest(body: request.encoded().span, limits: Self.generous) == request, "seed \(seed)")
            let records = RecordsRequest(since: generator.optional { $0.name() }, records: only)
            #expect(try RecordsRequest(body: records.encoded().span, limits: Self.generous) == records, "seed \(seed)")
        }
    }

    @Test("is read as it was written: the lines of a catch-up, whatever is in them")
    func lines() throws {
        for seed in Self.seeds {
            var generator = SeededGenerator(seed: seed)
            let page = ChangesPage(
                records: generator.several(6) { $0.record() },
                end: .init(
                    cursor: generator.text(), hasMore: generator.flag(), serverTimeMilliseconds: generator.time()))
            var problem = generator.problem()
            problem.retryAfterSeconds = generator.optional { $0.below(100) }
            var writer = JSONWriter()
            ChangesLine.problem(problem).write(to: &writer)
            writer.endLine()
            let lines = try (page.lines() + writer.bytes).split(separator: 0x0A).map { line throws(WireError) in
                try ChangesLine(encoded: Array(line))
            }
            #expect(
                lines == page.records.map { .record($0) } + [.end(page.end), .problem(problem)], "seed \(seed)")
        }
    }

    @Test("is read as it was written: conflicts, and what became of decisions")
    func conflicts() throws {
        try check { $0.conflict() }
        try check { generator in
            ConflictsPage(conflicts: generator.several { $0.conflict() }, next: generator.optional { $0.text() })
        }
        try check { ResolutionAnswer(conflict: $0.conflict(), record: $0.optional { $0.record() }) }
        try check { $0.bulkAnswer() }
        try check { $0.counts() }
    }

    @Test("is read as it was written: operations, history, devices, sessions, schemas")
    func others() throws {
        try check { $0.wireOperation() }
        try check { generator in
            OperationsPage(operations: generator.several { $0.wireOperation() }, next: generator.optional { $0.text() })
        }
        try check { generator in
            HistoryPage(
                entries: generator.several(6) {
                    $0.flag() ? .operation($0.wireOperation()) : .conflict($0.conflict())
                }, next: generator.optional { $0.text() })
        }
        try check { DevicesAnswer(devices: $0.several { $0.device() }) }
        try check { $0.session() }
        try check { $0.schema() }
    }

    @Test("is read as it was written: problems, in every code")
    func problems() throws {
        try check { $0.problem() }
        for code in ProblemCode.allCases {
            let problem = Problem(code, "detail")
            #expect(try Problem(encoded: problem.encoded(requestID: "r")) == problem)
        }
    }

    @Test("is read as it was written: batches, by the server's own reading, with the same fingerprint")
    func batches() throws {
        for seed in Self.seeds {
            var generator = SeededGenerator(seed: seed)
            let request = generator.batchRequest()
            let read = try BatchRequest(body: request.encoded().span, limits: Self.generous)
            #expect(read == request, "seed \(seed)")
        }
    }

    @Test("is read as it was written: decisions, comments, assignments, registrations")
    func requests() throws {
        for seed in Self.seeds {
            var generator = SeededGenerator(seed: seed)
            let choice: Decision.Choice =
                switch generator.below(6) {
                case 0: .value(generator.value(depth: 3))
                case 1: .side(generator.below(64))
                case 2: .role(generator.pick(ConflictSide.Role.allCases))
                case 3: .winner
                case 4: .loser
                default: .current
                }
            let request = DecisionRequest(
                choice, version: generator.optional { $0.counter() }, seen: generator.optional { $0.clock() },
                deletedRecord: generator.flag() ? .isRestored : .staysDeleted, note: generator.optional { $0.name() },
                conflicts: generator.optional { generator in
                    Set(generator.several { $0.conflictID() }).sorted().map { ($0, generator.counter()) }
                })
            let read = try DecisionRequest(body: request.encoded().span, limits: Self.generous)
            #expect(
                read.choice == request.choice && read.version == request.version && read.seen == request.seen
                    && read.deletedRecord == request.deletedRecord && read.note == request.note
                    && read.conflicts?.map(\.conflict) == request.conflicts?.map(\.conflict)
                    && read.conflicts?.map(\.version) == request.conflicts?.map(\.version), "seed \(seed)")
            let text = generator.name()
            #expect(
                try CommentRequest(body: CommentRequest(text: text).encoded().span, limits: Self.generous).text == text)
            let user = generator.optional { _ in ExactString("u\(seed)") }
            #expect(
                try AssignmentRequest(body: AssignmentRequest(assignee: user).encoded().span, limits: Self.generous)
                    .assignee == user)
            let registration = DeviceRegistration(device: DeviceID(generator.name()))
            #expect(try DeviceRegistration(body: registration.encoded().span) == registration)
        }
    }

    /// Names of any length and content: what names may be is another test's business.
    private static var generous: WireLimits {
        var limits = WireLimits()
        limits.nameBytes = 1_000_000
        return limits
    }

    @Test("that is not what it should be is refused with its place, and never read as something else")
    func mutilated() throws {
        for seed in Self.seeds {
            var generator = SeededGenerator(seed: seed)
            let page = ChangesPage(
                records: [generator.record(), generator.record()],
                end: .init(cursor: "c", hasMore: false, serverTimeMilliseconds: generator.time()))
            let value = try JSONParser(limits: JSONLimits(maximumDepth: 128)).parse(page.encoded())
            for (mutilated, pointer) in value.mutilations() {
                do {
                    let read = try ChangesPage(encoded: mutilated.canonicalBytes)
                    Issue.record("seed \(seed): read without \(pointer) as \(read)")
                } catch {
                    #expect(error.pointer.text.hasPrefix(pointer) || pointer.hasPrefix(error.pointer.text))
                }
            }
        }
    }

    @Test("of a newer server is read as far as it is known")
    func newer() throws {
        let problem = Array(
            #"{"type":"urn:rejoin:problem:too_warm","title":"t","status":503,"detail":"d","code":"too_warm","retryable":false,"news":[1]}"#
                .utf8)
        let read = try Problem(encoded: problem)
        #expect(read.code == .overloaded && !read.isRetryable && read.detail == "d")
    }
}

extension Value {
    /// The value with one member that has to be there replaced by what it cannot be, once for each of them; with its place.
    fileprivate func mutilations(at pointer: String = "") -> [(Value, String)] {
        switch self {
        case .object(let object):
            return object.members.indices.flatMap { index -> [(Value, String)] in
                let member = object.members[index]
                // These may be anything, or be left out.
                guard !["fields", "siblings", "clock"].contains(member.name) else { return [] }
                let place = pointer + "/" + member.name.text
                func with(_ value: Value?) -> Value {
                    .object(
                        object.members.enumerated().compactMap { other, member in
                            other == index ? value.map { (member.name, $0) } : (member.name, member.value)
                        })
                }
                return [(with(nil), place), (with([["x"]]), place)]
                    + member.value.mutilations(at: place).map { (with($0.0), $0.1) }
            }
        case .array(let elements):
            return elements.indices.flatMap { index -> [(Value, String)] in
                elements[index].mutilations(at: pointer + "/\(index)").map { mutilated, place in
                    var all = elements
                    all[index] = mutilated
                    return (.array(all), place)
                }
            }
        case .null, .boolean, .integer, .double, .string: return []
        }
    }
}
