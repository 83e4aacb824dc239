import Testing

@testable import ReviewPage

@Suite("texts and values as they are shown")
struct TextTests {
    private func controls(_ text: String) -> [String] {
        VisibleText(text).runs.compactMap { run in
            if case .control(let scalar, _) = run { scalar.codePoint } else { nil }
        }
    }

    @Test("what has no ink becomes a chip")
    func chips() {
        #expect(controls("a\u{202E}b") == ["U+202E"])
        #expect(controls("\u{0}\u{1B}\u{7F}\u{85}") == ["U+0000", "U+001B", "U+007F", "U+0085"])
        #expect(
            controls("\u{200B}\u{200D}\u{2060}\u{FEFF}\u{AD}") == ["U+200B", "U+200D", "U+2060", "U+FEFF", "U+00AD"])
        #expect(controls("\u{2066}x\u{2069}") == ["U+2066", "U+2069"])
        #expect(controls("a\u{A0}b\u{2003}\u{3000}") == ["U+00A0", "U+2003", "U+3000"])
        #expect(
            controls("\u{2028}\u{E000}\u{FFFF}\u{3164}\u{E0041}") == [
                "U+2028", "U+E000", "U+FFFF", "U+3164", "U+E0041",
            ])
        #expect(controls("a\rb\r\n") == ["U+000D", "U+000D"])
    }

    @Test("what people write stays as it is")
    func plain() {
        for text in ["naïve – “ok”", "日本語", "שלום", "line\nline\ttab", "👩‍💻👍🏽❤️🇦🇹", "e\u{301}", "हिन्दी", "5 € & <b>"] {
            #expect(VisibleText(text).runs == [.plain(text)], "\(text)")
        }
    }

    @Test("a mark without a base gets one, and piled-up marks are written out")
    func marks() {
        #expect(VisibleText("\u{301}x").flat == "\u{25CC}\u{301}x")
        #expect(VisibleText("a \u{301}").flat == "a \u{25CC}\u{301}")
        #expect(controls("z" + String(repeating: "\u{301}", count: 20)) == ["U+0301"])
    }

    @Test("repeated chips are one, and a text full of them is written without elements")
    func manyChips() {
        #expect(VisibleText(String(repeating: "\u{202E}", count: 500)).flat == "⟨U+202E ×500⟩")
        let text = VisibleText(String(repeating: "a\u{202E}", count: 5000))
        #expect(text.fragments.count == 1)
    }

    @Test("a long text is folded, with the differences in the preview, more around them behind it, and all a link away")
    func folding() throws {
        let long = String(repeating: "word ", count: 20_000)
        let html = try ReviewPages().conflict(
            Samples.conflict(sides: [
                Samples.side(.string(long + "needle" + long), "d", "u", 1, .shows),
                Samples.side(.string(long + "pin" + long), "e", "u", 1, .beside),
            ]))
        let preview = html.components(between: #"<details class="long"><summary>"#, and: "</summary>")
        #expect(preview.contains("needle"))
        #expect(preview.utf8.count < 2000)
        #expect(html.contains(#"<a href="/review/conflicts/417/sides/0">all 200,006 characters as text</a>"#))
        let around = String(repeating: "word ", count: 40)
        #expect(html.contains(around + #"<mark><span class="sr">[differs: </span>needle"#))
        #expect(html.utf8.count < 60_000)
    }

    @Test("a text that is not that long is folded and in full behind it")
    func whole() throws {
        let text = String(repeating: "word ", count: 400)
        let html = try ReviewPages().conflict(
            Samples.conflict(sides: [
                Samples.side(.string(text + "needle"), "d", "u", 1, .shows),
                Samples.side(.string(text + "pin"), "e", "u", 1, .beside),
            ]))
        #expect(html.contains("all 2,006 characters</span>"))
        #expect(html.contains(text + #"<mark><span class="sr">[differs: </span>needle"#))
        #expect(!html.contains("as text</a>"))
    }

    @Test("JSON is written on lines, indented to a bound, with what has no ink escaped")
    func pretty() {
        let value = Samples.object(
            ("a", .array([.number("1.0"), .bool(true), .null])), ("b\"\\", .string("x\u{202E}\u{0}\u{1F600}\n\u{301}")),
            ("c", .object([])), ("d", .array([])))
        #expect(
            JSONText.pretty(value) == """
                {
                  "a": [
                    1.0,
                    true,
                    null
                  ],
                  "b\\"\\\\": "x\\u202e\\u0000\u{1F600}\\n\\u0301",
                  "c": {},
                  "d": []
                }
                """)
        #expect(JSONText.compact(value).hasPrefix(#"{"a": [1.0, true, null], "b"#))
        var deep = PageValue.null
        for _ in 0..<32 { deep = .array([deep]) }
        let widest = JSONText.pretty(deep).split(separator: "\n").map(\.count).max() ?? 0
        #expect(widest <= 2 * JSONText.maximumIndentation + 4)
        #expect(JSONText.pretty(.string("\u{E0041}")) == #""\udb40\udc41""#)
    }

    @Test("only an object of exactly one hash is a hidden value")
    func redacted() {
        #expect(Samples.redacted("0").redactedHash != nil)
        #expect(Samples.object(("$redacted", .string("abc"))).redactedHash == nil)
        #expect(Samples.object(("$redacted", .string(String(repeating: "A", count: 64)))).redactedHash == nil)
        #expect(
            Samples.object(("$redacted", .string(String(repeating: "a", count: 64))), ("x", .null)).redactedHash == nil)
    }

    @Test("times are written as RFC 3339 has them, and those it cannot write as numbers")
    func times() {
        #expect(TimeText(milliseconds: 0).machine == "1970-01-01T00:00:00.000Z")
        #expect(TimeText(milliseconds: -1).machine == "1969-12-31T23:59:59.999Z")
        #expect(TimeText(milliseconds: 951_782_400_123).machine == "2000-02-29T00:00:00.123Z")
        #expect(TimeText(milliseconds: 253_402_300_799_999).machine == "9999-12-31T23:59:59.999Z")
        #expect(TimeText(milliseconds: -62_167_219_200_000).machine == "0000-01-01T00:00:00.000Z")
        for time in [Int64.min, .max, 253_402_300_800_000] {
            #expect(TimeText(milliseconds: time).machine == nil)
            #expect(TimeText(milliseconds: time).human == "\(time) ms from 1970")
        }
    }

    @Test("sides are lettered like columns")
    func letters() {
        #expect([0, 25, 26, 51, 52, 701, 702].map(Words.letter(_:)) == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"])
    }

    @Test("filters come back out of the address that they were written into")
    func filters() {
        let all = [
            ConflictFilters(), ConflictFilters(status: nil), ConflictFilters(assignee: .me),
            ConflictFilters(assignee: .nobody),
            ConflictFilters(
                status: .superseded, kind: .stale, collection: "a&b=c", record: "ü/ö", unit: "$record", policy: "lww",
                device: "d", user: "u", assignee: .user("me"), since: "2026-05-31", until: "2026-06-01", order: .oldest),
        ]
        for filters in all {
            let items = Dictionary(filters.items.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
            #expect(ConflictFilters(reading: { items[$0] }) == filters)
        }
        #expect(ConflictFilters(reading: { _ in "" }) == ConflictFilters())
        #expect(ConflictFilters(reading: { $0 == "status" ? "odd" : nil }) == ConflictFilters())
        #expect(QueryText.encoded([("a", "ü &=+#")]) == "a=%C3%BC%20%26%3D%2B%23")
    }

    @Test("files are addressed by what is in them")
    func assets() {
        #expect(Set(ReviewAsset.all.map(\.address)).count == 3)
        #expect(ReviewAsset.all.allSatisfy { !$0.bytes.isEmpty && $0.address.hasPrefix($0.path + "?v=") })
        let script = String(decoding: ReviewAsset.script.bytes, as: UTF8.self)
        for call in ["innerHTML", "insertAdjacentHTML", "document.write", "eval("] { #expect(!script.contains(call)) }
    }
}
