import Causality
import SeededRandom
import StrictJSON
import Testing
import Values

@Suite("JSON issues")
struct JSONIssueTests {
    private func issues(_ text: String, limits: JSONLimits = .standard) throws -> (Value, [JSONIssue]) {
        let document = try JSONParser(limits: limits).parseCollectingIssues(Array(text.utf8))
        return (document.value, document.issues)
    }

    static let cases: [(String, Value, [(JSONIssue.Kind, String)])] = [
        ("1e400", .null, [(.numberNotRepresentable, "")]),
        (#"{"a":[1,1e400,2]}"#, ["a": [1, .null, 2]], [(.numberNotRepresentable, "/a/1")]),
        (#"{"a":1,"b":2,"a":3}"#, ["a": 1, "b": 2], [(.duplicateName, "/a")]),
        (#"{"a":1,"\u0061":3}"#, ["a": 1], [(.duplicateName, "/a")]),
        (#"{"a":1,"a":1,"a":1}"#, ["a": 1], [(.duplicateName, "/a"), (.duplicateName, "/a")]),
        (#"{"":1,"":2}"#, ["": 1], [(.duplicateName, "/")]),
        (
            #"{"long-name-a":1,"long-name-b":2,"long-name-a":3}"#, ["long-name-a": 1, "long-name-b": 2],
            [(.duplicateName, "/long-name-a")]
        ),
        (#"{"x":{"a/b":1,"a/b":2}}"#, ["x": ["a/b": 1]], [(.duplicateName, "/x/a~1b")]),
        (#"{"a":"x\u0000y"}"#, ["a": .null], [(.nullCharacter, "/a")]),
        (#"{"o":{"a\u0000":1,"b":2}}"#, ["o": ["b": 2]], [(.nullCharacter, "/o")]),
        (#"{"o":{"\ud800":1e400}}"#, ["o": [:]], [(.loneSurrogate, "/o"), (.numberNotRepresentable, "/o")]),
        (
            #"["\ud800","\udc00\ud800","\ud800x","\ud800\n"]"#, [.null, .null, .null, .null],
            [(.loneSurrogate, "/0"), (.loneSurrogate, "/1"), (.loneSurrogate, "/2"), (.loneSurrogate, "/3")]
        ),
        (#"{"a":1e400,"a":1}"#, ["a": .null], [(.numberNotRepresentable, "/a"), (.duplicateName, "/a")]),
        (#"{"~":{"/":1e999}}"#, ["~": ["/": .null]], [(.numberNotRepresentable, "/~0/~1")]),
    ]

    @Test("edge 27: duplicate names, U+0000 and lone surrogates are issues with a pointer", arguments: cases)
    func collects(text: String, value: Value, expected: [(JSONIssue.Kind, String)]) throws {
        let (read, issues) = try issues(text)
        #expect(read == value)
        #expect(issues.map(\.kind) == expected.map(\.0))
        #expect(issues.map(\.pointer.text) == expected.map(\.1))
        let error = #expect(throws: JSONSyntaxError.self) { try JSONParser().parse(text) }
        #expect(error?.kind == expected.first.map { .issue($0.0) })
        #expect(error?.isMalformed == false)
    }

    @Test("edge 27: NFC and NFD names are different names")
    func keepsNormalForms() throws {
        let value = try JSONParser().parse("{\"\u{E9}\":1,\"e\u{301}\":2}")
        #expect(value.canonicalText == "{\"e\u{301}\":2,\"\u{E9}\":1}")
        let (_, issues) = try issues("{\"\u{E9}\":1,\"\\u00e9\":2}")
        #expect(issues.map(\.kind) == [.duplicateName])
    }

    @Test(
        "edge 27: duplicates are found in objects of every size, and the first of them stays",
        arguments: [2, 3, 24, 25, 26, 300])
    func findsDuplicates(count: Int) throws {
        var generator = SeededGenerator(seed: UInt64(count))
        for repeated in 0..<min(count - 1, 30) {
            for prefix in ["", "a-long-common-prefix-"] {
                var names = (0..<count - 1).map { "\(prefix)\($0)" }.shuffled(using: &generator)
                names.insert(names[repeated], at: Int.random(in: repeated + 1...names.count, using: &generator))
                let text = "{" + names.enumerated().map { "\"\($1)\":\($0)" }.joined(separator: ",") + "}"
                let (value, issues) = try issues(text)
                #expect(issues.map(\.pointer.text) == ["/" + names[repeated]])
                guard case .object(let object) = value else {
                    Issue.record("not an object")
                    return
                }
                #expect(object.count == count - 1)
                #expect(object[ExactString(names[repeated])] == .integer(Int64(repeated)))
            }
        }
    }

    @Test("an issue in one operation leaves the others whole and says which it is in")
    func attributesToOperations() throws {
        let (value, issues) = try issues(
            #"{"operations":[{"v":1},{"v":2},{"v":3},{"v":{"x":[9e999]}},{"v":5}],"device":"d"}"#)
        #expect(
            value == ["device": "d", "operations": [["v": 1], ["v": 2], ["v": 3], ["v": ["x": [.null]]], ["v": 5]]])
        #expect(issues.map { $0.pointer.elementIndex(in: "operations") } == [3])
        #expect(issues.first?.pointer.elementIndex(in: "other") == nil)
    }

    @Test("an operation full of issues cannot hide those of another, nor refuse the batch")
    func boundsIssuesByBranch() throws {
        let bad = "{\"v\":[" + Array(repeating: "9e999", count: 50_000).joined(separator: ",") + "]}"
        let (_, issues) = try issues("{\"operations\":[{\"v\":1},\(bad),{\"v\":9e999},\(bad),{\"v\":1}]}")
        var counts: [Int: Int] = [:]
        for issue in issues { counts[issue.pointer.elementIndex(in: "operations") ?? -1, default: 0] += 1 }
        #expect(counts == [1: 8, 2: 1, 3: 8])
    }

    @Test("every operation of the largest batch can be faulty eight times over")
    func takesIssuesOfAWholeBatch() throws {
        let operation = "[" + Array(repeating: "9e999", count: 20).joined(separator: ",") + "]"
        let (_, issues) = try issues(
            "{\"operations\":[" + Array(repeating: operation, count: 1000).joined(separator: ",") + "]}")
        #expect(Set(issues.compactMap { $0.pointer.elementIndex(in: "operations") }).count == 1000)
    }

    @Test("more faulty branches than the limit refuse the text")
    func boundsIssues() {
        let text = "[" + Array(repeating: "9e999", count: 6).joined(separator: ",") + "]"
        let error = #expect(throws: JSONSyntaxError.self) { try issues(text, limits: JSONLimits(maximumIssues: 5)) }
        #expect(error?.kind == .tooManyIssues(limit: 5))
        #expect(throws: Never.self) { try issues(text, limits: JSONLimits(maximumIssues: 6)) }
    }

    @Test("a pointer stops at the last place that is short enough, and costs no more for longer names")
    func boundsPointers() throws {
        let long = String(repeating: "n", count: 200_000)
        let inner = (0..<2000).map { "\"\($0)\":9e999" }.joined(separator: ",")
        let (_, deep) = try issues("{\"operations\":[{\"\(long)\":{\(inner)}}]}")
        #expect(deep.map(\.pointer.text) == Array(repeating: "/operations/0", count: 8))
        let (_, shallow) = try issues("{\"\(long)\":{\(inner)}}")
        #expect(shallow.map(\.pointer.text) == Array(repeating: "", count: 2000))
        let escaped = String(repeating: "\\u0061", count: 1023)
        let (_, fitting) = try issues("{\"\(escaped)\":[9e999]}")
        #expect(fitting.map(\.pointer.text) == ["/" + String(repeating: "a", count: 1023)])
    }

    @Test("a high half takes exactly a low half, for every pair of classes of code units")
    func pairsSurrogates() throws {
        enum Class { case high, low, plain }
        let units: [(UInt16, Class)] = [
            (0xD7FF, .plain), (0xD800, .high), (0xD801, .high), (0xDBFF, .high), (0xDC00, .low), (0xDC01, .low),
            (0xDFFF, .low),
            (0xE000, .plain), (0x0041, .plain), (0xFFFF, .plain),
        ]
        func escape(_ unit: UInt16, uppercase: Bool) -> String {
            let digits = String(unit, radix: 16, uppercase: uppercase)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
        for (first, firstClass) in units {
            for (second, secondClass) in units {
                for separator in ["", "x", "\\n"] {
                    let text =
                        "\"" + escape(first, uppercase: true) + separator + escape(second, uppercase: false) + "\""
                    let isPair = firstClass == .high && secondClass == .low && separator.isEmpty
                    let isSound = isPair || (firstClass == .plain && secondClass == .plain)
                    let (value, issues) = try issues(text)
                    #expect(issues.isEmpty == isSound, "\(text)")
                    guard isPair else { continue }
                    let scalar = 0x10000 + (UInt32(first) - 0xD800) * 0x400 + UInt32(second) - 0xDC00
                    #expect(value == .string(String(Unicode.Scalar(scalar)!)), "\(text)")
                }
            }
        }
    }

    @Test("every code unit alone is its scalar, or the issue of its class")
    func readsEveryCodeUnit() throws {
        for unit in UInt16.min...UInt16.max {
            let digits = String(unit, radix: 16)
            let text = "\"\\u" + String(repeating: "0", count: 4 - digits.count) + digits + "\""
            let (value, issues) = try issues(text)
            if let scalar = Unicode.Scalar(unit), unit != 0 {
                #expect(value == .string(String(scalar)) && issues.isEmpty, "\(text)")
            } else {
                #expect(issues.map(\.kind) == [unit == 0 ? .nullCharacter : .loneSurrogate], "\(text)")
            }
        }
    }
}
