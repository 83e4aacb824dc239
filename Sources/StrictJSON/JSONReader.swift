import Causality
import Values

/// An error on its way up. It has no pointer, because the reader's path still has that when the error arrives.
struct JSONRefusal: Error {
    let kind: JSONSyntaxError.Kind
    let offset: Int

    init(_ kind: JSONSyntaxError.Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }
}

/// The state of one pass over one text: recursive descent, with one byte of lookahead.
///
/// The text is handed to every method, because a type that kept the span could not escape either. The text must be the
/// same in all calls.
struct JSONReader {
    let limits: JSONLimits
    var position = 0
    private(set) var issues: [JSONIssue] = []

    /// The way from the root to the value being read, one level a container. The first `depth` levels count. Names are
    /// kept as offsets and decoded only for a pointer, so that the way costs one store a value.
    private var path: [Level] = []
    private var depth = 0
    /// The branch of the latest issue. A branch is read in one go, so `issuesInBranch` counts the issues that were kept
    /// for it.
    private var branchWithIssues: (first: Step, second: Step) = (.unknown, .unknown)
    private var issuesInBranch = 0

    /// What decides the order of the members of the objects that are still open. All levels share it.
    private var openKeys: [MemberKey] = []
    /// Short names that were met before, each in the place that its bytes give it. The names of a batch are few, and
    /// each of them comes with every operation.
    private var names: [(bytes: UInt64, name: String)] = []

    private struct Level {
        var step = Step.unknown
        /// The number of members or elements to make room for: most containers are as large as the one before them in
        /// their place. It is bounded, because a text may be made to disappoint it.
        var expectedCount = 4

        mutating func note(count: Int) {
            expectedCount = min(count >= expectedCount ? count : expectedCount - (expectedCount - count) / 4, 32)
        }
    }

    private enum Step: Equatable {
        /// An object between two names.
        case unknown
        case index(Int)
        case name(offset: Int)
    }

    init(limits: JSONLimits) {
        self.limits = limits
    }

    /// Begins another text, in the memory of those before it.
    mutating func restart() {
        position = 0
        issues = []
        depth = 0
        branchWithIssues = (.unknown, .unknown)
        issuesInBranch = 0
        openKeys.removeAll(keepingCapacity: true)
    }

    /// Reads the whole text.
    mutating func document(_ bytes: Span<UInt8>) throws(JSONRefusal) -> Value {
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
            throw JSONRefusal(.byteOrderMark, at: 0)
        }
        skipWhiteSpace(bytes)
        let value = try value(bytes)
        try end(bytes)
        return value
    }

    mutating func end(_ bytes: Span<UInt8>) throws(JSONRefusal) {
        skipWhiteSpace(bytes)
        guard position == bytes.count else { throw JSONRefusal(.trailingBytes, at: position) }
    }

    mutating func skipWhiteSpace(_ bytes: Span<UInt8>) {
        var index = position
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default:
                position = index
                return
            }
        }
        position = index
    }

    mutating func value(_ bytes: Span<UInt8>) throws(JSONRefusal) -> Value {
        guard position < bytes.count else { throw JSONRefusal(.unexpectedEnd, at: position) }
        switch bytes[position] {
        case UInt8(ascii: "\""):
            guard let text = try string(bytes) else { return .null }
            return .string(ExactString(text))
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): return try number(bytes)
        case UInt8(ascii: "{"): return try object(bytes)
        case UInt8(ascii: "["): return try array(bytes)
        case UInt8(ascii: "t"):
            try literal("true", bytes)
            return .boolean(true)
        case UInt8(ascii: "f"):
            try literal("false", bytes)
            return .boolean(false)
        case UInt8(ascii: "n"):
            try literal("null", bytes)
            return .null
        default: throw JSONRefusal(.valueExpected, at: position)
        }
    }

    private mutating func literal(_ word: String, _ bytes: Span<UInt8>) throws(JSONRefusal) {
        let start = position
        for expected in word.utf8 {
            guard position < bytes.count else { throw JSONRefusal(.unexpectedEnd, at: position) }
            guard bytes[position] == expected else { throw JSONRefusal(.valueExpected, at: start) }
            position += 1
        }
    }

    private mutating func number(_ bytes: Span<UInt8>) throws(JSONRefusal) -> Value {
        let start = position
        var index = start
        let isNegative = bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        let firstDigit = index
        var magnitude: Int64 = 0
        // Eighteen digits cannot leave `Int64`; whatever is longer, or more than digits, is read from its start again.
        while index < bytes.count, index - firstDigit < 18 {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            magnitude = magnitude &* 10 &+ Int64(digit)
            index += 1
        }
        let isWhole =
            index > firstDigit && (index - firstDigit == 1 || bytes[firstDigit] != UInt8(ascii: "0"))
            && (index == bytes.count || Self.endsInteger(bytes[index]))
        if isWhole {
            position = index
            return .integer(isNegative ? -magnitude : magnitude)
        }
        let literal = try DecimalLiteral(bytes, at: &position)
        guard let value = literal.value else {
            try note(.numberNotRepresentable, at: start, bytes)
            return .null
        }
        return value
    }

    private static func endsInteger(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "0")...UInt8(ascii: "9"): false
        default: true
        }
    }

    private mutating func descend() throws(JSONRefusal) {
        guard depth < limits.maximumDepth else {
            throw JSONRefusal(.tooDeep(limit: limits.maximumDepth), at: position)
        }
        position += 1
        depth += 1
        if depth > path.count { path.append(Level()) } else { path[depth - 1].step = .unknown }
    }

    /// - Parameter count: the number of members or elements of the container that ends.
    private mutating func ascend(from count: Int) {
        depth -= 1
        path[depth].note(count: count)
    }

    private mutating func array(_ bytes: Span<UInt8>) throws(JSONRefusal) -> Value {
        try descend()
        skipWhiteSpace(bytes)
        if position < bytes.count, bytes[position] == UInt8(ascii: "]") {
            position += 1
            depth -= 1
            return .array([])
        }
        var elements: [Value] = []
        elements.reserveCapacity(path[depth - 1].expectedCount)
        while true {
            path[depth - 1].step = .index(elements.count)
            elements.append(try value(bytes))
            skipWhiteSpace(bytes)
            guard try comma(bytes, orEnd: UInt8(ascii: "]")) else { break }
            skipWhiteSpace(bytes)
        }
        ascend(from: elements.count)
        return .array(elements)
    }

    /// Moves behind a comma, and answers true; or behind the end of the container, and answers false.
    mutating func comma(_ bytes: Span<UInt8>, orEnd end: UInt8) throws(JSONRefusal) -> Bool {
        guard position < bytes.count else { throw JSONRefusal(.unexpectedEnd, at: position) }
        let byte = bytes[position]
        guard byte == UInt8(ascii: ",") || byte == end else { throw JSONRefusal(.commaOrEndExpected, at: position) }
        position += 1
        return byte != end
    }

    private mutating func object(_ bytes: Span<UInt8>) throws(JSONRefusal) -> Value {
        try descend()
        skipWhiteSpace(bytes)
        if position < bytes.count, bytes[position] == UInt8(ascii: "}") {
            position += 1
            depth -= 1
            return .object(ObjectValue([]))
        }
        let base = openKeys.count
        var members: [ObjectValue.Member] = []
        members.reserveCapacity(path[depth - 1].expectedCount)
        var isSorted = true
        while true {
            path[depth - 1].step = .unknown
            let nameOffset = position
            if let name = try memberName(bytes) {
                let key = MemberKey(
                    name, quoted: bytes.extracting(nameOffset..<position), member: members.count, offset: nameOffset)
                try colon(bytes)
                path[depth - 1].step = .name(offset: nameOffset)
                members.append(ObjectValue.Member(name: ExactString(name), value: try value(bytes)))
                if isSorted, openKeys.count > base { isSorted = openKeys[openKeys.count - 1].prefix < key.prefix }
                openKeys.append(key)
            } else {
                try colon(bytes)
                _ = try value(bytes)
            }
            skipWhiteSpace(bytes)
            guard try comma(bytes, orEnd: UInt8(ascii: "}")) else { break }
            skipWhiteSpace(bytes)
        }
        if !isSorted { try sort(&members, from: base, bytes) }
        openKeys.removeLast(openKeys.count - base)
        ascend(from: members.count)
        return .object(ObjectValue(sorted: members))
    }

    /// Reads the name of a member. The answer is nil when the name is faulty.
    mutating func memberName(_ bytes: Span<UInt8>) throws(JSONRefusal) -> String? {
        guard position < bytes.count else { throw JSONRefusal(.unexpectedEnd, at: position) }
        guard bytes[position] == UInt8(ascii: "\"") else { throw JSONRefusal(.nameExpected, at: position) }
        if let name = try knownName(bytes) { return name }
        return try string(bytes)
    }

    /// Reads a name of at most seven bytes without escapes, which is not made anew if it was met before. For another
    /// name the answer is nil, and nothing is read.
    private mutating func knownName(_ bytes: Span<UInt8>) throws(JSONRefusal) -> String? {
        guard bytes.count - position > 8 else { return nil }
        let word = bytes.word(at: position + 1)
        let special = ByteWord.needingEscape(word)
        let count = special.trailingZeroBitCount / 8
        guard special != 0, count > 0, bytes[position + 1 + count] == UInt8(ascii: "\"") else { return nil }
        // No byte of a name is zero, so the bytes tell how many they are.
        let name = ByteWord.first(count, of: word)
        if names.isEmpty { names = Array(repeating: (0, ""), count: 64) }
        let place = Int(truncatingIfNeeded: (name &* 0x9E37_79B9_7F4A_7C15) >> 58)
        if names[place].bytes != name {
            guard let text = try string(bytes) else { return nil }
            names[place] = (name, text)
            return text
        }
        position += count + 2
        return names[place].name
    }

    mutating func colon(_ bytes: Span<UInt8>) throws(JSONRefusal) {
        skipWhiteSpace(bytes)
        guard position < bytes.count else { throw JSONRefusal(.unexpectedEnd, at: position) }
        guard bytes[position] == UInt8(ascii: ":") else { throw JSONRefusal(.colonExpected, at: position) }
        position += 1
        skipWhiteSpace(bytes)
    }

    /// Sorts the members of the object being closed by name, and leaves each name once. Each member that is taken out
    /// becomes an issue.
    private mutating func sort(
        _ members: inout [ObjectValue.Member], from base: Int, _ bytes: Span<UInt8>
    ) throws(JSONRefusal) {
        MemberKey.sort(&openKeys, from: base, &members)
        var isDuplicate: [Bool] = []
        for index in members.indices.dropFirst() {
            let key = openKeys[base + index]
            guard openKeys[base + index - 1].prefix == key.prefix, members[index - 1].name == members[index].name else {
                continue
            }
            path[depth - 1].step = .name(offset: key.offset)
            try note(.duplicateName, at: key.offset, bytes)
            if isDuplicate.isEmpty { isDuplicate = Array(repeating: false, count: members.count) }
            isDuplicate[index] = true
        }
        guard !isDuplicate.isEmpty else { return }
        members = zip(members, isDuplicate).compactMap { $1 ? nil : $0 }
    }

    /// Keeps an issue of the value being read.
    mutating func note(_ kind: JSONIssue.Kind, at offset: Int, _ bytes: Span<UInt8>) throws(JSONRefusal) {
        let branch = (first: depth > 0 ? path[0].step : .unknown, second: depth > 1 ? path[1].step : .unknown)
        if branch != branchWithIssues {
            branchWithIssues = branch
            issuesInBranch = 0
        }
        guard issuesInBranch < limits.maximumIssuesPerBranch else { return }
        guard issues.count < limits.maximumIssues else {
            throw JSONRefusal(.tooManyIssues(limit: limits.maximumIssues), at: offset)
        }
        issuesInBranch += 1
        issues.append(JSONIssue(kind: kind, offset: offset, pointer: pointer(bytes)))
    }

    /// The place of the value being read, or of the last place on the way to it that is known and short enough.
    func pointer(_ bytes: Span<UInt8>) -> JSONPointer {
        var pointer = JSONPointer.root
        for level in path.prefix(depth) {
            let longer: JSONPointer
            switch level.step {
            case .unknown: return pointer
            case .index(let index): longer = pointer.appending(index: index)
            case .name(let offset):
                guard let name = Self.name(bytes, at: offset) else { return pointer }
                longer = pointer.appending(name: name)
            }
            guard longer.text.utf8.count <= JSONIssue.maximumPointerLength else { return pointer }
            pointer = longer
        }
        return pointer
    }

    /// Reads again a name that has been read before. The answer is nil when the name alone would be too long for a
    /// pointer.
    private static func name(_ bytes: Span<UInt8>, at offset: Int) -> String? {
        // An escape takes up to six bytes for one, so a name that is longer than this cannot fit. Not reading it keeps
        // many issues below one long name from costing its length each.
        var end = offset + 1
        let bound = min(bytes.count, offset + 6 * JSONIssue.maximumPointerLength)
        while end < bound, bytes[end] != UInt8(ascii: "\"") {
            end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard end < bound else { return nil }
        var reader = JSONReader(limits: JSONLimits(maximumDepth: 1))
        reader.position = offset
        return try? reader.string(bytes)
    }
}
