import Causality
import MergeCore
import SeededRandom
import SyncStorage
import Testing

@Suite("operations in groups")
struct OperationGroupTests {
    /// Rows of a few devices and batches, in the order of their ordinals.
    private static func rows(_ count: Int, _ random: inout SeededGenerator) -> [OperationRow] {
        var ordinal = Int64.random(in: -5...1_000_000, using: &random)
        var batch = 0
        return (0..<count).map { index in
            ordinal += Int64.random(in: 1...3, using: &random)
            if Int.random(in: 0..<4, using: &random) == 0 { batch += 1 }
            let isMalformed = Int.random(in: 0..<5, using: &random) == 0
            let text = { (random: inout SeededGenerator) in
                String(repeating: "\u{E9}x", count: Int.random(in: 0..<300, using: &random))
            }
            return OperationRow(
                id: OperationID(ExactString("o\(index)\u{301}")), device: DeviceID(ExactString("d\(batch % 3)")),
                ordinal: ordinal, user: "u", batch: ExactString("b\(batch)"),
                record: isMalformed
                    ? nil : RecordKey(collection: ["c", "k"][index % 2], id: ExactString("r\(index % 7)")),
                counter: isMalformed ? nil : Int64.random(in: 1...(1 << 53), using: &random),
                clock: "{\"d\":\(index)}", fingerprint: isMalformed ? nil : Digest(words: (1, 2, .max, UInt64(index))),
                outcome: isMalformed ? .rejected : .applied, result: text(&random), content: text(&random),
                stampMilliseconds: isMalformed ? nil : Int64.random(in: .min ... .max, using: &random),
                recordedAtMilliseconds: Int64(batch))
        }
    }

    @Test("hold the rows of one batch each, and give them back as they were", arguments: 1...40 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let rows = Self.rows(60, &random)
        let groups = rows.shuffled(using: &random).groups
        var found: [OperationRow] = []
        for group in groups {
            let own = try group.operations()
            #expect(own.first?.ordinal == group.first)
            #expect(Set(own.map(\.batch)).count == 1 && Set(own.map(\.device)).count == 1)
            #expect(try own.dropLast().reduce(0) { $0 + (try #require([$1].groups.first).content.count) } < 64 * 1024)
            let last = try #require(own.last)
            #expect(try group.operations([last.ordinal]) == [last])
            found += own
        }
        #expect(found == rows, "seed \(seed)")
        #expect(groups.count < rows.count)
    }

    @Test("a group ends before its thirty-two kilobytes are full, and a large operation is alone")
    func bounded() throws {
        var random = SeededGenerator(seed: 1)
        var row = try #require(Self.rows(1, &random).first)
        row.content = String(repeating: "x", count: 10_000)
        let rows = (0..<20).map { (index: Int64) in
            var row = row
            row.ordinal = index
            return row
        }
        #expect(try rows.groups.map { try $0.operations().count } == [3, 3, 3, 3, 3, 3, 2])
        row.content = String(repeating: "x", count: 1_000_000)
        var large = row
        large.ordinal = 0
        row.content = "small"
        row.ordinal = 1
        var last = row
        last.ordinal = 2
        // Else a history of small operations would read all the large ones that came beside them.
        #expect(try [large, row, last].groups.map { try $0.operations().count } == [1, 2])
        #expect(try [large].groups[0].operations(nil, .known).map(\.content) == [""])
    }

    @Test("groups are read in portions of so many bytes, each once")
    func portions() {
        let places = (0..<10).map { (number: Int64) in
            OperationPlace(twin: 0, ordinal: number, group: number / 2 * 2, groupBytes: number / 2 == 2 ? 900 : 100)
        }
        #expect(places.groups(inPortionsOf: 250) == [[0, 2], [4], [6, 8]])
        #expect(places.groups(inPortionsOf: 0).count == 5)
        #expect([OperationPlace]().groups().isEmpty)
    }

    @Test("bytes that are missing or changed are damaged or other operations, and never stop the process")
    func damaged() throws {
        var random = SeededGenerator(seed: 2)
        let group = try #require(Self.rows(3, &random).groups.first)
        var refused = 0
        for length in 0..<group.content.count {
            do throws(StoreError) {
                _ = try OperationGroup(first: group.first, content: Array(group.content[..<length])).operations()
            } catch {
                guard case .damaged = error else { throw error }
                refused += 1
            }
        }
        // A text that ends behind an operation is whole.
        #expect(refused >= group.content.count - 4)
        for _ in 0..<5_000 {
            var content = group.content
            content[Int.random(in: 0..<content.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            do throws(StoreError) {
                _ = try OperationGroup(first: group.first, content: content).operations()
            } catch {
                guard case .damaged = error else { throw error }
            }
        }
    }
}

@Suite("keys that stand for names")
struct IndexKeyTests {
    @Test("an id that is a UUID in lower case is its key; every other id has a digest, each its own")
    func ids() throws {
        let uuid = IndexKey(OperationID("0199b7f0-7d4e-7000-9000-00000000002a"))
        #expect(uuid == IndexKey(high: 0x0199_B7F0_7D4E_7000, low: 0x9000_0000_0000_002A))
        #expect(try IndexKey(stored: uuid.bytes) == uuid && uuid.bytes.count == 16)
        #expect(throws: StoreError.self) { try IndexKey(stored: [1, 2]) }
        let others: [OperationID] = [
            "0199B7F0-7D4E-7000-9000-00000000002A", "0199b7f07d4e-7000-9000-00000000002a-", "", "o", "O", "\u{E9}",
            "e\u{301}", "0199b7f0-7d4e-7000-9000-00000000002", "0199b7f0-7d4e-7000-9000-00000000002g",
        ]
        #expect(Set(others.map { IndexKey($0) }).union([uuid]).count == others.count + 1)
    }

    @Test("records of ascending UUIDs have ascending keys, and one id in two collections has two")
    func records() {
        let keys = (0..<100).map { number in
            let time = String(0x0199_0000_0000 + number * 7, radix: 16)
            let id = "0\(time.prefix(7))-\(time.suffix(4))-7000-8000-\(String(number * 7919 % 97 + 100_000_000_000))"
            return IndexKey(RecordKey(collection: "c", id: ExactString(id)))
        }
        #expect(keys.map(\.high) == keys.map(\.high).sorted() && Set(keys.map(\.high)).count == 100)
        let id: ExactString = "0199b7f0-7d4e-7000-9000-00000000002a"
        #expect(
            IndexKey(RecordKey(collection: "a", id: id)) != IndexKey(RecordKey(collection: "b", id: id)))
        #expect(IndexKey(RecordKey(collection: "ab", id: "c")) != IndexKey(RecordKey(collection: "a", id: "bc")))
    }
}
