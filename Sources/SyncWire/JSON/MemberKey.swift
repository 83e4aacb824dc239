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

    init(_ name: String, member: Int, offset: Int) {
        var prefix: UInt64 = 0
        var room = 64
        for byte in name.utf8 {
            room -= 8
            prefix |= UInt64(byte) << UInt64(room)
            if room == 0 { break }
        }
        self.prefix = prefix
        self.member = member
        self.offset = offset
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
