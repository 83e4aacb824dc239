import Causality
import MergeCore
import Testing
import Values

@Suite("a state as bytes")
struct ExportTests {
    @Test("a state comes back as it was, under every policy, and equal states have equal bytes")
    func roundTrip() {
        expectLaw(seeds: 6000..<6150, events: 1...16) { history, seed in
            for state in [
                history.state(of: history.randomReplica(seed)), history.state(of: history.all), RecordState(),
            ] {
                let bytes = state.exportState()
                guard let read = try? RecordState.importState(bytes) else { return "unreadable" }
                if read != state { return "another state" }
                if read.exportState() != bytes { return "other bytes" }
            }
            return nil
        }
    }

    /// A state with a unit of each family, every kind of value, a delete and a group.
    private var sample: RecordState {
        get throws {
            let values: [Value] = [
                .null, .boolean(true), .boolean(false), .integer(.min), .integer(.max), .double(0.1), .double(-1e300),
                "", "e\u{301}é\0", .array([]), .object([("", .array([.object([("a", 1)])])), ("b", .null)]),
            ]
            var units: [(key: UnitKey, value: UnitState)] = []
            let event = { (device: String, counter: Int64) in
                Event(
                    stamp: Stamp(
                        milliseconds: counter * 1_000 - 5, dot: Dot(device: DeviceID(device), counter: counter)),
                    provenance: Provenance(
                        operation: OperationID(ExactString("op-\(counter)")), user: "ann",
                        claimedMilliseconds: counter % 2 == 0 ? nil : -counter))
            }
            for (index, value) in values.enumerated() {
                units.append(
                    (.field(ExactString("f\(index)")), .register(Register(.init(value: value, event: event("a", 3))))))
            }
            units.append(
                (
                    .group("g"),
                    .register(Register([.init(value: 1, event: event("a", 2)), .init(value: 2, event: event("b", 1))]))
                ))
            units.append(
                (.field("count"), .counter(CounterTotals([.init(dot: Dot(device: "b", counter: 2), amount: -7)]))))
            units.append(
                (.field("tags"), .set(ObservedRemoveSet([.init(value: "x", dots: [Dot(device: "a", counter: 1)])]))))
            return RecordState(
                clock: ["a": 3, "b": 2], units: UnitStates(units),
                deletion: DeletionState(writes: [event("a", 3)], deletes: [event("b", 2)]), latestMilliseconds: 12_345)
        }
    }

    @Test("every kind of value and unit comes back")
    func everything() throws {
        let state = try sample
        #expect(try RecordState.importState(state.exportState()) == state)
    }

    @Test("what a version wrote stays readable, so these bytes never change")
    func stability() throws {
        let event = Event(
            stamp: Stamp(milliseconds: 5, dot: Dot(device: "a", counter: 1)),
            provenance: Provenance(operation: "o", user: "u", claimedMilliseconds: nil))
        let state = RecordState(
            clock: ["a": 1], units: [.field("t"): .register(Register(.init(value: "x", event: event)))],
            deletion: DeletionState(writes: [event]), latestMilliseconds: 5)
        let hex = state.exportState().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hex == "524a53011e0000000a010161020100020a000175016f0100017401720100020501780001000018f07712")
    }

    @Test("a byte that is changed, missing or too much is told, and nothing of it is taken")
    func damage() throws {
        let bytes = try sample.exportState()
        for index in bytes.indices {
            for change: UInt8 in [1, 0x80, 0xFF] {
                var damaged = bytes
                damaged[index] ^= change
                #expect(throws: StateImportError.self, "byte \(index)") { try RecordState.importState(damaged) }
            }
            let error = #expect(throws: StateImportError.self) { try RecordState.importState(Array(bytes[..<index])) }
            switch error {
            case .noState?: #expect(index <= 3)
            case .cutOff(let count, let expected)?: #expect(count == index && expected > index)
            case _: Issue.record("\(index) bytes: \(String(describing: error))")
            }
        }
        #expect(throws: StateImportError.damaged(offset: bytes.count)) { try RecordState.importState(bytes + [0]) }
        #expect(throws: StateImportError.noState) { try RecordState.importState(Array("{\"c\":1}".utf8)) }
        var later = bytes
        later[3] = 9
        #expect(throws: StateImportError.laterVersion(9)) { try RecordState.importState(later) }
    }

    @Test("bytes with a good checksum that no version wrote are refused where they are wrong, and never trap")
    func forged() throws {
        let bytes = try sample.exportState()
        var refused = 0
        for index in 8..<(bytes.count - 4) {
            for change: UInt8 in [1, 2, 0x7F, 0x80, 0xFF] {
                var forged = Array(bytes.dropLast(4))
                forged[index] ^= change
                let sum = checksum(of: forged)
                forged += (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * UInt32($0))) }
                do {
                    // What can be read is a state: it can be joined and written again.
                    let state = try RecordState.importState(forged)
                    #expect(try RecordState.importState(state.exportState()) == state)
                } catch let error as StateImportError {
                    guard case .damaged(let offset) = error else { Issue.record("\(error)"); continue }
                    #expect((8...bytes.count).contains(offset))
                    refused += 1
                }
            }
        }
        #expect(refused > bytes.count)
    }

    /// CRC-32 from its definition: the remainder of a division of polynomials, bit by bit.
    private func checksum(of bytes: [UInt8]) -> UInt32 {
        var rest: UInt32 = ~0
        for byte in bytes {
            for bit in 0..<8 {
                let isOdd = (rest ^ UInt32(byte >> bit)) & 1 == 1
                rest = rest >> 1 ^ (isOdd ? 0xEDB8_8320 : 0)
            }
        }
        return ~rest
    }
}
