/// What two texts have in common at their beginning and at their end, and what lies between.
///
/// The ends are found by bytes, before anything is taken apart into words: most of a long text is the same in both.
/// They give up the piece of a word at their edge, so that the words between are whole.
struct MatchingEnds {
    let head: String
    let left: String
    let right: String
    let tail: String
    /// Whether what lies between is short enough to be compared word by word.
    let isSmall: Bool

    /// Finds the ends. O(n).
    init(_ old: String, _ new: String, maximumBytes: Int) {
        let old = Array(old.utf8)
        let new = Array(new.utf8)
        let shorter = min(old.count, new.count)
        var head = 0
        while head < shorter, old[head] == new[head] { head += 1 }
        if head < old.count || head < new.count { head = Self.scalarStart(old, new, head) }
        var tail = 0
        while tail < shorter - head, old[old.count - 1 - tail] == new[new.count - 1 - tail] { tail += 1 }
        while tail > 0, Self.isContinuation(old[old.count - tail]) { tail -= 1 }

        // Both ends go back to a space. Where there is none near, the texts have other words than these.
        var wordHead = head
        if head < old.count || head < new.count {
            while wordHead > 0, old[wordHead - 1] != UInt8(ascii: " ") { wordHead -= 1 }
        }
        var wordTail = tail
        while wordTail > 0, old[old.count - wordTail] != UInt8(ascii: " ") { wordTail -= 1 }
        let longest = max(old.count, new.count) - wordHead - wordTail
        isSmall = longest <= maximumBytes
        if isSmall { (head, tail) = (wordHead, wordTail) }

        self.head = String(decoding: old[..<head], as: UTF8.self)
        left = String(decoding: old[head..<old.count - tail], as: UTF8.self)
        right = String(decoding: new[head..<new.count - tail], as: UTF8.self)
        self.tail = String(decoding: old[(old.count - tail)...], as: UTF8.self)
    }

    /// The start of the scalar that the position is inside of, in either text.
    private static func scalarStart(_ old: [UInt8], _ new: [UInt8], _ position: Int) -> Int {
        var start = position
        while start > 0,
            start < old.count && isContinuation(old[start]) || start < new.count && isContinuation(new[start])
        { start -= 1 }
        return start
    }

    private static func isContinuation(_ byte: UInt8) -> Bool {
        byte & 0xC0 == 0x80
    }
}
