/// What can stand in `SortedChunks`.
protocol KeyedElement: Sendable {
    associatedtype Key: Equatable
    var key: Key { get }
    /// A strict total order.
    static func precedes(_ left: Key, _ right: Key) -> Bool
}

/// Elements in the order of their keys, each key once, kept in chunks.
///
/// Copies share their chunks. A copy that is changed copies the one chunk that it changes and the list of chunks; the other
/// elements stay shared. So an operation on a large set or a wide record costs what it names. A few elements are one chunk,
/// for which there is no list.
///
/// To find takes O(log n) comparisons. To replace, insert or remove copies at most a chunk, and of a shared value the
/// list of chunks: O(`capacity` + n / `capacity`). To append in order, and to visit all, is O(1) for each element.
struct SortedChunks<Element: KeyedElement>: Sendable {
    /// Elements in one chunk at most.
    static var capacity: Int { 64 }

    /// The first chunk. It is empty only where there are no elements at all.
    private var head: [Element] = []
    /// The chunks after it, none of them empty. Two neighbours together hold more than half of what one chunk can.
    private var tail: [[Element]] = []
    private(set) var count = 0

    init() {}

    /// Takes elements in any order; of several of one key the last counts. O(n) where they are sorted, else O(n log n).
    init(_ unordered: some Sequence<Element>) {
        var isSorted = true
        for element in unordered {
            guard last.map({ Element.precedes($0.key, element.key) }) ?? true else {
                isSorted = false
                break
            }
            append(element)
        }
        guard !isSorted else { return }
        self = SortedChunks()
        let sorted = unordered.enumerated().sorted { left, right in
            if Element.precedes(left.element.key, right.element.key) { return true }
            if Element.precedes(right.element.key, left.element.key) { return false }
            return left.offset > right.offset
        }
        for (_, element) in sorted where last.map({ Element.precedes($0.key, element.key) }) ?? true {
            append(element)
        }
    }

    /// The same for an array. Where that is sorted and no longer than a chunk, it is the chunk.
    init(_ elements: [Element]) {
        let isSorted = zip(elements, elements.dropFirst()).allSatisfy { Element.precedes($0.key, $1.key) }
        guard isSorted else {
            self.init(elements.lazy.map(\.self))
            return
        }
        self.init()
        count = elements.count
        guard count > Self.capacity else {
            head = elements
            return
        }
        head = Array(elements[..<Self.capacity])
        tail = stride(from: Self.capacity, to: count, by: Self.capacity).map { start in
            Array(elements[start..<Swift.min(start + Self.capacity, elements.count)])
        }
    }

    var isEmpty: Bool { count == 0 }
    var last: Element? { tail.last?.last ?? head.last }

    /// All of them; one that is empty where there are no elements.
    var chunks: [[Element]] { [head] + tail }
    private var chunkCount: Int { tail.count + 1 }

    private func length(_ chunk: Int) -> Int { chunk == 0 ? head.count : tail[chunk - 1].count }

    // MARK: Finding

    /// Where an element stands, or would stand.
    struct Position: Hashable, Comparable {
        fileprivate let chunk: Int
        fileprivate let offset: Int

        static func < (left: Position, right: Position) -> Bool {
            left.chunk == right.chunk ? left.offset < right.offset : left.chunk < right.chunk
        }
    }

    var start: Position { Position(chunk: 0, offset: 0) }
    var end: Position { isEmpty ? start : Position(chunk: chunkCount, offset: 0) }

    func position(after position: Position) -> Position {
        let next = position.offset + 1
        return next < length(position.chunk)
            ? Position(chunk: position.chunk, offset: next) : Position(chunk: position.chunk + 1, offset: 0)
    }

    func position(before position: Position) -> Position {
        position.offset > 0
            ? Position(chunk: position.chunk, offset: position.offset - 1)
            : Position(chunk: position.chunk - 1, offset: length(position.chunk - 1) - 1)
    }

    /// The element that stands at the position.
    subscript(position: Position) -> Element {
        position.chunk == 0 ? head[position.offset] : tail[position.chunk - 1][position.offset]
    }

    /// Whether an element with the key stands at the position. O(1).
    func has(_ key: Element.Key, at position: Position) -> Bool {
        guard position.chunk < chunkCount, position.offset < length(position.chunk) else { return false }
        return self[position].key == key
    }

    /// The position of the element with the key, or the one where it would be inserted. O(log n).
    func position(of key: Element.Key) -> Position {
        // The last chunk that does not begin behind the key.
        var low = 0
        var high = tail.count
        while low < high {
            let middle = (low + high + 1) / 2
            if Element.precedes(key, tail[middle - 1][0].key) { high = middle - 1 } else { low = middle }
        }
        let offset =
            low == 0 ? Self.offset(of: key, in: head) : Self.offset(of: key, in: tail[low - 1])
        return Position(chunk: low, offset: offset)
    }

    /// The first offset whose key is not before the given one.
    private static func offset(of key: Element.Key, in chunk: [Element]) -> Int {
        var low = 0
        var high = chunk.count
        while low < high {
            let middle = (low + high) / 2
            if Element.precedes(chunk[middle].key, key) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The element with the key. O(log n).
    func element(of key: Element.Key) -> Element? {
        let position = position(of: key)
        return has(key, at: position) ? self[position] : nil
    }

    // MARK: Changing

    /// Adds an element whose key is after all others.
    mutating func append(_ element: Element) {
        count += 1
        if tail.isEmpty {
            if head.count < Self.capacity { head.append(element) } else { tail.append([element]) }
        } else if tail[tail.count - 1].count < Self.capacity {
            tail[tail.count - 1].append(element)
        } else {
            tail.append([element])
        }
    }

    /// Makes room for elements that will be appended.
    mutating func reserveCapacity(_ count: Int) {
        if isEmpty { head.reserveCapacity(Swift.min(count, Self.capacity)) }
    }

    /// Puts another element with the same key in the place of one.
    mutating func replace(at position: Position, with element: Element) {
        if position.chunk == 0 {
            head[position.offset] = element
        } else {
            tail[position.chunk - 1][position.offset] = element
        }
    }

    /// Inserts an element at the position that was found for its key.
    mutating func insert(_ element: Element, at position: Position) {
        // Behind all others it is appended: chunks that are filled in order are full then, not half full.
        if position.chunk == chunkCount - 1, position.offset == length(position.chunk) {
            append(element)
            return
        }
        count += 1
        change(position.chunk) { $0.insert(element, at: position.offset) }
        guard length(position.chunk) > Self.capacity else { return }
        var back: [Element] = []
        change(position.chunk) { chunk in
            let middle = chunk.count / 2
            back = Array(chunk[middle...])
            chunk.removeSubrange(middle...)
        }
        tail.insert(back, at: position.chunk)
    }

    mutating func remove(at position: Position) {
        count -= 1
        change(position.chunk) { $0.remove(at: position.offset) }
        mend(position.chunk)
    }

    private mutating func change(_ chunk: Int, _ body: (inout [Element]) -> Void) {
        if chunk == 0 { body(&head) } else { body(&tail[chunk - 1]) }
    }

    /// Joins a chunk that got smaller with a neighbour where both are small.
    private mutating func mend(_ chunk: Int) {
        for first in [chunk, chunk - 1] where first >= 0 && first + 1 < chunkCount {
            guard length(first) + length(first + 1) <= Self.capacity / 2 else { continue }
            let behind = tail.remove(at: first)
            change(first) { $0 += behind }
            return
        }
        guard length(chunk) == 0 else { return }
        if chunk > 0 {
            tail.remove(at: chunk - 1)
        } else if !tail.isEmpty {
            head = tail.removeFirst()
        }
    }
}

extension SortedChunks: Sequence {
    struct Iterator: IteratorProtocol {
        private var chunk: [Element]
        private var offset = 0
        /// The index of the next chunk in `tail`.
        private var following = 0
        private let tail: [[Element]]

        fileprivate init(_ head: [Element], _ tail: [[Element]]) {
            chunk = head
            self.tail = tail
        }

        mutating func next() -> Element? {
            if offset == chunk.count {
                guard following < tail.count else { return nil }
                chunk = tail[following]
                following += 1
                offset = 0
            }
            offset += 1
            return chunk[offset - 1]
        }
    }

    func makeIterator() -> Iterator { Iterator(head, tail) }
    var underestimatedCount: Int { count }
}

extension SortedChunks: Equatable where Element: Equatable {
    /// Compares the elements; how they are spread over chunks does not matter.
    static func == (left: SortedChunks, right: SortedChunks) -> Bool {
        guard left.count == right.count else { return false }
        if left.tail.isEmpty, right.tail.isEmpty { return left.head == right.head }
        return left.elementsEqual(right)
    }
}

extension SortedChunks: Hashable where Element: Hashable {
    func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        for element in self { hasher.combine(element) }
    }
}
