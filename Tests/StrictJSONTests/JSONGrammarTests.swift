import Causality
import StrictJSON
import Testing
import Values

@Suite("JSON grammar")
struct JSONGrammarTests {
    static let accepted: [(String, Value)] = [
        ("null", .null), ("true", true), (" false\n", false), ("0", 0), ("-1", -1), ("\"\"", ""), ("[]", []),
        ("{}", [:]),
        ("[ ]", []), ("{\t}", [:]), ("[1,2]", [1, 2]), ("[ 1 , [ ] , { } ]", [1, [], [:]]),
        (#"{"a":1,"b":[true,null]}"#, ["a": 1, "b": [true, .null]]),
        (#"{"b":1,"a":2}"#, ["a": 2, "b": 1]),
        (#"{"":0}"#, ["": 0]),
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
        (#""\u0041\u00e9\u20AC\ud83d\ude00""#, "A\u{E9}\u{20AC}\u{1F600}"),
        (#""\u007f""#, "\u{7F}"), ("\"\u{7F}\u{2028}\"", "\u{7F}\u{2028}"),
        (#"{"\u0061":1}"#, ["a": 1]),
        ("\"é\u{10FFFF}\"", "é\u{10FFFF}"),
        ("\"\u{FEFF}\"", "\u{FEFF}"),
    ]

    @Test("a text of the grammar has one value", arguments: accepted)
    func accepts(text: String, value: Value) throws {
        #expect(try JSONParser().parse(text) == value)
    }

    static let refused: [(String, JSONSyntaxError.Kind, Int)] = [
        ("", .unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("[", .unexpectedEnd, 1), ("[1", .unexpectedEnd, 2),
        ("[1,", .unexpectedEnd, 3), ("{", .unexpectedEnd, 1), (#"{"a""#, .unexpectedEnd, 4),
        (#"{"a":"#, .unexpectedEnd, 5),
        (#"{"a":1"#, .unexpectedEnd, 6), ("\"", .unexpectedEnd, 1), (#""\"#, .unexpectedEnd, 2),
        (#""\u00"#, .unexpectedEnd, 5),
        ("tru", .unexpectedEnd, 3), ("nul", .unexpectedEnd, 3),
        ("]", .valueExpected, 0), ("[,]", .valueExpected, 1), ("[1,]", .valueExpected, 3), ("trux", .valueExpected, 0),
        ("True", .valueExpected, 0), ("NaN", .valueExpected, 0), ("Infinity", .valueExpected, 0),
        ("+1", .valueExpected, 0),
        (".5", .valueExpected, 0), ("'a'", .valueExpected, 0), ("\u{A0}1", .valueExpected, 0),
        ("/**/1", .valueExpected, 0),
        (#"{"a":}"#, .valueExpected, 5),
        ("{a:1}", .nameExpected, 1), ("{1:1}", .nameExpected, 1), (#"{"a":1,}"#, .nameExpected, 7),
        ("{,}", .nameExpected, 1),
        (#"{"a" 1}"#, .colonExpected, 5), (#"{"a",1}"#, .colonExpected, 4),
        ("[1 2]", .commaOrEndExpected, 3), ("[1}", .commaOrEndExpected, 2), (#"{"a":1]"#, .commaOrEndExpected, 6),
        ("[1:2]", .commaOrEndExpected, 2), ("[1;2]", .commaOrEndExpected, 2), ("[1x]", .commaOrEndExpected, 2),
        ("-", .malformedNumber, 1), ("-a", .malformedNumber, 1), ("01", .malformedNumber, 0),
        ("-01", .malformedNumber, 1),
        ("00", .malformedNumber, 0), ("1.", .malformedNumber, 2), ("1.e1", .malformedNumber, 2),
        ("1e", .malformedNumber, 2),
        ("1e+", .malformedNumber, 3), ("1E-x", .malformedNumber, 3), ("--1", .malformedNumber, 1),
        ("-.5", .malformedNumber, 1),
        ("[01.5]", .malformedNumber, 1), ("000000000000000000001", .malformedNumber, 0),
        ("1 1", .trailingBytes, 2), ("{}{}", .trailingBytes, 2), ("1x", .trailingBytes, 1),
        ("nullnull", .trailingBytes, 4),
        ("1\u{0}", .trailingBytes, 1), ("0x10", .trailingBytes, 1), ("1_000", .trailingBytes, 1),
        ("[]]", .trailingBytes, 2),
        (#""\a""#, .malformedEscape, 1), (#""\U0041""#, .malformedEscape, 1), (#""\u00g0""#, .malformedEscape, 1),
        (#""\u-123""#, .malformedEscape, 1), (#""\'""#, .malformedEscape, 1), (#""\ud800\u12x4""#, .malformedEscape, 7),
        ("\"\n\"", .controlCharacter, 1), ("\"a\u{0}\"", .controlCharacter, 2), ("\"\\n\u{1F}\"", .controlCharacter, 3),
        ("{\"a\tb\":1}", .controlCharacter, 3),
        ("\u{FEFF}1", .byteOrderMark, 0), ("\u{FEFF}", .byteOrderMark, 0),
    ]

    @Test("what is outside the grammar is refused where it begins", arguments: refused)
    func refuses(text: String, kind: JSONSyntaxError.Kind, offset: Int) {
        let error = #expect(throws: JSONSyntaxError.self) { try JSONParser().parse(text) }
        #expect(error?.kind == kind)
        #expect(error?.offset == offset)
        #expect(error?.isMalformed == true)
        let collecting = #expect(throws: JSONSyntaxError.self) {
            try JSONParser().parseCollectingIssues(Array(text.utf8))
        }
        #expect(collecting == error)
    }

    static let notUTF8: [([UInt8], String)] = [
        ([0x80], "a continuation alone"), ([0xC3], "a first byte alone"), ([0xC0, 0xAF], "overlong, two bytes"),
        ([0xE0, 0x80, 0xAF], "overlong, three bytes"), ([0xF0, 0x80, 0x80, 0xAF], "overlong, four bytes"),
        ([0xED, 0xA0, 0x80], "a surrogate"), ([0xF4, 0x90, 0x80, 0x80], "above U+10FFFF"), ([0xFF], "never a byte"),
        ([0xE2, 0x82], "cut off"),
    ]

    @Test(
        "edge 27: invalid UTF-8 is refused in values, in names, beside escapes and in members that are faulty",
        arguments: notUTF8)
    func refusesInvalidUTF8(bytes: [UInt8], what: String) {
        for (before, after) in [
            ("\"ab", "\""), ("\"ab", "c\""), ("{\"a", "\":1}"), ("\"\\n", "\""), ("\"\\n", "\\u00a9\""),
            ("\"\\u0000", "\""), ("{\"a\":1,\"a", "\":2}"),
        ] {
            let text = Array(before.utf8) + bytes + Array(after.utf8)
            let error = #expect(throws: JSONSyntaxError.self) { try JSONParser().parseCollectingIssues(text) }
            #expect(error?.kind == .invalidUTF8, "\(what) in \(before)…\(after)")
        }
        // Not even a value begins here, whichever way it is looked at.
        let bare = #expect(throws: JSONSyntaxError.self) { try JSONParser().parse(bytes) }
        #expect(bare?.isMalformed == true, "\(what)")
    }

    @Test("edge 27: depth 32 is taken and depth 33 refused, for arrays, objects and both in turn")
    func boundsDepth() {
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            func nested(_ depth: Int) -> String {
                String(repeating: open, count: depth) + "0" + String(repeating: close, count: depth)
            }
            #expect(throws: Never.self) { try JSONParser().parse(nested(32)) }
            let error = #expect(throws: JSONSyntaxError.self) { try JSONParser().parse(nested(33)) }
            #expect(error?.kind == .tooDeep(limit: 32))
            #expect(error?.offset == 32 * open.utf8.count)
            #expect(error?.isMalformed == false)
            #expect(error?.pointer.tokens.count == 32)
        }
        let mixed = String(repeating: #"[{"a":"#, count: 16)
        #expect(throws: Never.self) { try JSONParser().parse(mixed + "1" + String(repeating: "}]", count: 16)) }
        let error = #expect(throws: JSONSyntaxError.self) {
            try JSONParser().parse(mixed + "[]" + String(repeating: "}]", count: 16))
        }
        #expect(error?.kind == .tooDeep(limit: 32))
    }

    @Test("depth is of what is open, not of what has been")
    func depthGoesBack() {
        let text = "[" + Array(repeating: "[[[]]]", count: 100).joined(separator: ",") + "]"
        #expect(throws: Never.self) { try JSONParser(limits: JSONLimits(maximumDepth: 4)).parse(text) }
        let error = #expect(throws: JSONSyntaxError.self) {
            try JSONParser(limits: JSONLimits(maximumDepth: 3)).parse(text)
        }
        #expect(error?.kind == .tooDeep(limit: 3))
    }

    @Test("a million brackets are refused like thirty-three, without recursing into them")
    func refusesDepthEarly() {
        let error = #expect(throws: JSONSyntaxError.self) {
            try JSONParser().parse([UInt8](repeating: UInt8(ascii: "["), count: 1_000_000))
        }
        #expect(error?.offset == 32)
    }

    @Test("a syntax error names the innermost place that is known")
    func pointsAtSyntaxErrors() {
        for (text, pointer) in [
            (#"{"operations":[{"id":"x"},{"a/b~":[1,oops]}]}"#, "/operations/1/a~1b~0/1"), (#"{"a":{1:2}}"#, "/a"),
            ("oops", ""), (#"{"a":1 "b":2}"#, "/a"), ("[[],[]", "/1"),
        ] {
            let error = #expect(throws: JSONSyntaxError.self) { try JSONParser().parse(text) }
            #expect(error?.pointer.text == pointer)
        }
    }

    @Test("errors and issues never carry a value")
    func keepsValuesOutOfErrors() {
        let secret = "hunter2"
        for text in [
            #"{"field":"\#(secret)\u0000"}"#, #"{"field":"\#(secret)\x"}"#, #"{"field":"\#(secret)" oops}"#,
            #"{"field":["\#(secret)\ud800"]}"#, #"{"a":"\#(secret)","a":1}"#,
        ] {
            let error = #expect(throws: JSONSyntaxError.self) { try JSONParser().parse(text) }
            #expect(error.map { "\($0)".contains(secret) } == false)
        }
    }
}
