import Causality
import MergeCore

/// What decides an object member's place, apart from the member so that sorting moves no strings.
struct MemberKey {
    /// The name's first eight bytes, the first one highest, padded with zeros. Names hold no U+0000, so the order of the
    /// prefixes is the order of the names as far as they go, and equal prefixes of short names mean equal names.
    let prefix: UInt64
    /// Where the member stands among the members it is sorted with.
    let member: Int
    /// Where the name stands in the text.
    let offset: Int

    /// - Parameter quoted: the bytes from the quotation mark before the name in the text to the one behind it.
    init(_ name: String, quoted: Span<UInt8>, member: Int, offset: Int) {
        // Escapes only ever shorten; without one the bytes of the text are those of the name, and quicker to come by.
        let isVerbatim = quoted.count - 2 == name.utf8.count
        prefix = isVerbatim ? Self.prefix(quoted.extracting(1..<quoted.count - 1)) : Self.prefix(Array(name.utf8).span)
        self.member = member
        self.offset = offset
    }

    private static func prefix(_ name: Span<UInt8>) -> UInt64 {
        var prefix: UInt64 = 0
        for index in 0..<min(name.count, 8) { prefix |= UInt64(name[index]) << UInt64(56 - 8 * index) }
        return prefix
    }

    /// By name, members of one name in the order of the text.
    private func precedes(_ other: MemberKey, of members: [ObjectValue.Member]) -> Bool {
        if prefix != other.prefix { return prefix < other.prefix }
        let left = members[member].name
        let right = members[other.member].name
        return left == right ? member < other.member : left < right
    }

    /// O(n log n). Small objects, which most are, go by insertion.
    static func sorted(_ keys: ArraySlice<MemberKey>, of members: [ObjectValue.Member]) -> [MemberKey] {
        var sorted = Array(keys)
        guard sorted.count <= 24 else {
            sorted.sort { $0.precedes($1, of: members) }
            return sorted
        }
        for start in sorted.indices.dropFirst() {
            let key = sorted[start]
            var place = start
            while place > 0, key.precedes(sorted[place - 1], of: members) {
                sorted[place] = sorted[place - 1]
                place -= 1
            }
            sorted[place] = key
        }
        return sorted
    }
}
