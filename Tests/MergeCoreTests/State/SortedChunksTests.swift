import Causality
import SeededRandom
import Testing
import Values

@testable import MergeCore

private struct Item: KeyedElement, Hashable {
    let key: Int
    var content = 0

    static func precedes(_ left: Int, _ right: Int) -> Bool { left < right }
}

/// The elements as a sorted array would hold them, by the plainest code.
private struct Naive {
    private(set) var items: [Item] = []

    mutating func put(_ item: Item) {
        items.removeAll { $0.key == item.key }
        items.append(item)
        items.sort { $0.key < $1.key }
    }

    mutating func remove(_ key: Int) { items.removeAll { $0.key == key } }
}

extension SortedChunks where Element == Item {
    fileprivate mutating func put(_ item: Item) {
        let position = position(of: item.key)
        if has(item.key, at: position) { replace(at: position, with: item) } else { insert(item, at: position) }
    }

    fileprivate mutating func take(_ key: Int) {
        let position = position(of: key)
        if has(key, at: position) { remove(at: position) }
    }

    /// How the chunks, or what they hold, differ from what they should be.
    fileprivate func difference(from naive: Naive) -> String? {
        let chunks = chunks
        let elements = chunks.flatMap { $0 }
        if elements != naive.items { return "\(elements.map(\.key)) instead of \(naive.items.map(\.key))" }
        if Array(self) != elements || count != elements.count || last != elements.last { return "read otherwise" }
        if chunks.contains(where: { $0.count > Self.capacity }) { return "a chunk is too large" }
        if chunks.count > 1, chunks.contains(where: \.isEmpty) { return "a chunk is empty" }
        for (left, right) in zip(chunks, chunks.dropFirst()) where left.count + right.count <= Self.capacity / 2 {
            return "two neighbours have \(left.count) and \(right.count) elements"
        }
        for item in elements where element(of: item.key) != item { return "\(item.key) is not found" }
        var place = start
        for (index, item) in elements.enumerated() {
            if self[place] != item { return "another element follows" }
            if index > 0, self[position(before: place)] != elements[index - 1] { return "another element precedes" }
            place = position(after: place)
        }
        return place == end || isEmpty ? nil : "the end is elsewhere"
    }
}

@Suite("sorted chunks hold what a sorted array would hold")
struct SortedChunksTests {
    @Test("whatever is put in and taken out, in any order, the elements are those of a sorted array")
    func random() {
        for seed in UInt64(1)...40 {
            var generator = SeededGenerator(seed: seed)
            let keys = generator.pick([3, 70, 200, 900])
            var chunks = SortedChunks<Item>()
            var naive = Naive()
            var copies: [(SortedChunks<Item>, Naive)] = []
            for step in 0..<600 {
                let isGrowing = (step / 200) % 2 == 0
                let key = generator.below(keys)
                if generator.below(10) < (isGrowing ? 8 : 2) {
                    let item = Item(key: key, content: step)
                    chunks.put(item)
                    naive.put(item)
                } else {
                    chunks.take(key)
                    naive.remove(key)
                }
                if step % 100 == 50 { copies.append((chunks, naive)) }
                if step % 20 == 0, let difference = chunks.difference(from: naive) {
                    Issue.record("seed \(seed), step \(step): \(difference)")
                    return
                }
            }
            for (chunks, naive) in copies {
                #expect(chunks.difference(from: naive) == nil, "seed \(seed): a copy changed with its original")
            }
        }
    }

    @Test("filled in order, backwards or from the middle, and emptied again from either end")
    func orders() {
        let count = 3 * SortedChunks<Item>.capacity + 1
        let orders: [[Int]] = [
            Array(0..<count), (0..<count).reversed(), (0..<count).map { ($0 * 97) % count },
        ]
        for filling in orders {
            for emptying in orders {
                var chunks = SortedChunks<Item>()
                var naive = Naive()
                for key in filling {
                    chunks.put(Item(key: key))
                    naive.put(Item(key: key))
                }
                #expect(chunks.difference(from: naive) == nil)
                for key in emptying {
                    chunks.take(key)
                    naive.remove(key)
                    #expect(chunks.difference(from: naive) == nil, "without \(key)")
                }
                #expect(chunks.isEmpty)
            }
        }
    }

    @Test("made of elements in any order, of several of one key the last counts, and chunks are full")
    func bulk() {
        for seed in UInt64(1)...30 {
            var generator = SeededGenerator(seed: seed)
            let items = (0..<generator.pick([0, 1, 64, 65, 500])).map { Item(key: generator.below(300), content: $0) }
            var naive = Naive()
            for item in items { naive.put(item) }
            let chunks = SortedChunks(items)
            #expect(chunks.difference(from: naive) == nil, "seed \(seed)")
            #expect(chunks.chunks.dropLast().allSatisfy { $0.count == SortedChunks<Item>.capacity })
        }
    }

    @Test("two are equal, and hash alike, when their elements are, however they came to be spread")
    func equality() {
        let count = 2 * SortedChunks<Item>.capacity
        var grown = SortedChunks<Item>()
        for key in (0..<count).reversed() { grown.put(Item(key: key)) }
        let filled = SortedChunks((0..<count).map { Item(key: $0) })
        #expect(grown.chunks.map(\.count) != filled.chunks.map(\.count))
        #expect(grown == filled)
        #expect(grown.hashValue == filled.hashValue)
        grown.put(Item(key: 7, content: 1))
        #expect(grown != filled)
    }

    @Test("a copy that is changed shares all chunks but those that the change touched")
    func sharing() {
        let original = SortedChunks((0..<10_000).map { Item(key: 2 * $0) })
        for change in ["replace", "insert", "remove"] {
            var copy = original
            switch change {
            case "replace": copy.put(Item(key: 5_000, content: 1))
            case "insert": copy.put(Item(key: 5_001))
            default: copy.take(5_000)
            }
            #expect(copy != original)
            #expect(original.chunks.count - sharedChunks(original, copy) <= 1, "\(change)")
        }
    }
}

/// How many chunks of one value are, in memory, chunks of the other.
func sharedChunks<Element>(_ left: SortedChunks<Element>, _ right: SortedChunks<Element>) -> Int {
    func addresses(_ chunks: [[Element]]) -> Set<UnsafeRawPointer?> {
        Set(chunks.map { chunk in chunk.withUnsafeBytes { $0.baseAddress } })
    }
    return addresses(left.chunks).intersection(addresses(right.chunks)).count
}

@Suite("an operation costs what it names, not what is there")
struct SharingTests {
    private static let rules = CollectionRules(
        fields: ["tags": FieldRule(type: .set, merge: .set), "t": FieldRule()])

    @Test(
        "one element of a set of 10,000: the record before and after share all but a chunk", arguments: [true, false])
    func set(isAddition: Bool) throws {
        let elements = (0..<9_999).map { Value.string("element \($0)") }
        var tenant = Tenant(rules: Self.rules)
        tenant.send(operation("o", .create, ["a": 1], fields(("tags", ["$add": .array(elements)]))), from: "a")
        guard case .set(let before)? = tenant.state.units[.field("tags")] else { throw NoSet() }
        let change: Value = isAddition ? ["$add": ["element x"]] : ["$remove": ["element 5000"]]
        #expect(tenant.send(operation("p", .update, ["a": 2], fields(("tags", change))), from: "a").outcome == .applied)
        guard case .set(let after)? = tenant.state.units[.field("tags")] else { throw NoSet() }
        #expect(after.count == (isAddition ? 10_000 : 9_998))
        #expect(before.chunks.chunks.count - sharedChunks(before.chunks, after.chunks) <= 1)
    }

    @Test("one field of a record of 10,000: the states before and after share all but a chunk")
    func field() {
        let event = Event(
            stamp: Stamp(milliseconds: 1, dot: Dot(device: "a", counter: 1)),
            provenance: Provenance(operation: "o", user: "u", claimedMilliseconds: nil))
        let units = (0..<10_000).map { index in
            (
                key: UnitKey.field(ExactString("f\(index)")),
                value: UnitState.register(Register(Register.Candidate(value: 1, event: event)))
            )
        }
        let before = RecordState(clock: ["a": 1], units: UnitStates(units), deletion: DeletionState(writes: [event]))
        let write = RecordWrite(
            kind: .update,
            event: Event(
                stamp: Stamp(milliseconds: 2, dot: Dot(device: "a", counter: 2)),
                provenance: Provenance(operation: "p", user: "u", claimedMilliseconds: nil)),
            context: ["a": 1], writes: [UnitWrite(unit: .field("f777"), policy: .lww, change: .assign(2))])
        let after = before.applying(write, rules: CollectionRules(), limits: Limits()).state
        #expect(after.units[.field("f777")]?.visible(by: .lww) == 2)
        #expect(before.units.count == 10_000)
        #expect(before.units.entries.chunks.count - sharedChunks(before.units.entries, after.units.entries) <= 1)
    }

    private struct NoSet: Error {}
}
