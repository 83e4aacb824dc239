import Causality
import Values

/// What decides an object member's place. It is kept apart from the member, so that sorting moves no strings.
struct MemberKey {
    /// The name's first eight bytes, the first one highest, padded with zeros. Names hold no U+0000. So the order of
    /// the prefixes is the order of the names as far as they go, and equal prefixes of short names mean equal names.
    let prefix: UInt64
    /// Where the member stands among the members it is sorted with.
    let member: Int
    /// Where the name stands in the text.
    let offset: Int

    /// - Parameters:
    ///   - name: the name, unescaped.
    ///   - quoted: the bytes from the quotation mark before the name in the text to the one behind it.
    ///   - member: where the member stands.
    ///   - offset: where the name stands in the text.
    init(_ name: String, quoted: Span<UInt8>, member: Int, offset: Int) {
        // Escapes only ever shorten; without one the bytes of the text are those of the name, and quicker to come by.
        let isVerbatim = quoted.count - 2 == name.utf8.count
        prefix = isVerbatim ? Self.prefix(quoted.extracting(1..<quoted.count - 1)) : Self.prefix(Array(name.utf8).span)
        self.member = member
        self.offset = offset
    }

    private static func prefix(_ name: Span<UInt8>) -> UInt64 {
        if name.count >= 8 { return name.word(at: 0).byteSwapped }
        var prefix: UInt64 = 0
        for index in 0..<min(name.count, 8) { prefix |= UInt64(name[index]) << UInt64(56 - 8 * index) }
        return prefix
    }

    /// Compares by name; members of one name stand in the order of the text.
    private func precedes(_ other: MemberKey, named name: ExactString, before otherName: ExactString) -> Bool {
        if prefix != other.prefix { return prefix < other.prefix }
        return name == otherName ? member < other.member : name < otherName
    }

    /// Sorts the last keys and the members that belong to them, which stand in the order of the text. O(n log n). Small
    /// objects, which most are, are sorted by insertion.
    static func sort(_ keys: inout [MemberKey], from base: Int, _ members: inout [ObjectValue.Member]) {
        guard members.count <= 24 else {
            let unsorted = members
            let sorted = keys[base...].sorted {
                $0.precedes($1, named: unsorted[$0.member].name, before: unsorted[$1.member].name)
            }
            for (index, key) in sorted.enumerated() {
                keys[base + index] = key
                members[index] = unsorted[key.member]
            }
            return
        }
        var keys = keys.mutableSpan
        var members = members.mutableSpan
        for start in members.indices.dropFirst() {
            var place = start
            while place > 0,
                keys[base + place].precedes(
                    keys[base + place - 1], named: members[place].name, before: members[place - 1].name)
            {
                keys.swapAt(base + place, base + place - 1)
                members.swapAt(place, place - 1)
                place -= 1
            }
        }
    }
}
