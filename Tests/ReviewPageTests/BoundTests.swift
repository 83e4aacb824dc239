import Causality
import Testing

@testable import ReviewPage

/// Long texts of every kind that takes more room on a page than its own length.
private let hostileTexts: [String] = [
    String(repeating: "word ", count: 40_000), String(repeating: "'\"&<>", count: 40_000),
    String(repeating: "\u{1}\u{2}", count: 50_000), String(repeating: "a\u{202E}", count: 50_000),
    String(repeating: "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}", count: 20_000),
    String(repeating: "\n", count: 100_000), String(repeating: "雪", count: 50_000),
]

private func page(_ values: [PageValue?], comments: [ConflictPage.Comment] = [], record: PageValue? = nil) throws
    -> String
{
    let sides = values.enumerated().map { number, value in
        Samples.side(value, "device \(number)", "ana", Int64(number + 1), number == 0 ? .shows : .beside)
    }
    return try ReviewPages().conflict(
        ConflictPage(
            session: Samples.session, conflict: Samples.head(7), batch: "b", clockBefore: [:], clockAfter: [:],
            sides: sides,
            record: ConflictPage.RecordNow(
                life: .alive, value: record ?? values[0], whole: record ?? values[0], clock: [:], clockText: "{}"),
            decision: ConflictPage.Decision(),
            resolution: ConflictPage.Resolution(
                ending: .decided(value: values[0]), user: "rosa", atMilliseconds: 0, note: "so"),
            comments: comments, position: "1"))
}

@Suite("a page is bounded, whatever devices have written")
struct BoundTests {
    /// The most bytes that one page may have.
    private static let bound = 900_000

    @Test("two sides with a long text each, of any kind", arguments: hostileTexts)
    func longTexts(text: String) throws {
        let html = try page([.string(text), .string(text + "end"), .string("x" + text)])
        #expect(html.utf8.count < 200_000, "\(html.utf8.count)")
        // All of it is a link away, of each side by its number.
        for part in ["sides/0", "sides/1", "sides/2", "now", "record", "resolution"] {
            #expect(html.contains("href=\"/review/conflicts/7/\(part)\""), "\(part)")
        }
    }

    @Test("many sides, many fields, deep and long objects, long comments: each alone and all at once")
    func manyOfEverything() throws {
        for text in hostileTexts.map({ $0.prefix(scalars: 600) }) {
            let wide = PageValue.object((0..<300).map { .init("field \($0)", .string(text + "\($0)")) })
            let wideOther = PageValue.object((0..<300).map { .init("field \($0)", .string("\($0)" + text)) })
            let list = PageValue.array((0..<500).map { _ in .string(text) })
            let comments = (0..<200).map { ConflictPage.Comment(user: "u", atMilliseconds: $0, text: text) }
            for values in [
                [wide, wideOther], [list, wide], Array(repeating: wide, count: 12) + [wideOther],
                (0..<1_100).map { .string(text + "\($0)") }, Array(repeating: wideOther, count: 64) + [nil],
            ] as [[PageValue?]] {
                let html = try page(values, comments: comments)
                #expect(html.utf8.count < Self.bound, "\(html.utf8.count)")
            }
        }
    }

    @Test("a list of conflicts with many long sides, and a preview of many decisions")
    func lists() throws {
        for text in hostileTexts {
            let brief = ListPage.SideBrief(value: .string(text), device: "d", user: "u", standing: .shows)
            let object = ListPage.SideBrief(
                value: .object([.init("f", .string(text)), .init("g", .array([.string(text)]))]), device: "d",
                user: "u", standing: .shows)
            let rows = (0..<50).map {
                ListPage.Row(
                    conflict: Samples.head($0), sides: Array(repeating: brief, count: 40) + [object],
                    omittedSides: 900, comments: 1)
            }
            let html = try ReviewPages().list(Samples.list(rows: rows))
            #expect(html.utf8.count < 900_000, "\(html.utf8.count)")
            #expect(html.contains("935 further sides"))
        }
    }

    @Test("of very many sides the one that shows, the latest that stand and then the latest replaced ones are shown")
    func whichSides() throws {
        let sides = (0..<500).map { number -> ConflictPage.Side in
            let standing: SideStanding = number == 100 ? .shows : number % 50 == 0 ? .beside : .dropped
            return Samples.side(.string("value \(number)."), "d", "u", Int64(number), standing)
        }
        let html = try ReviewPages().conflict(
            ConflictPage(
                session: Samples.session, conflict: Samples.head(7), batch: "b", clockBefore: [:], clockAfter: [:],
                sides: sides,
                record: ConflictPage.RecordNow(life: .alive, value: nil, whole: nil, clock: [:], clockText: "{}"),
                decision: ConflictPage.Decision(), position: "1"))
        for number in [0, 50, 100, 450, 499, 498] {
            #expect(html.contains("value=\"\(number)\" form=\"decide\""), "\(number)")
        }
        #expect(!html.contains("value=\"1\" form=\"decide\""))
        #expect(html.contains("460 further sides"))
    }

    @Test("fields that differ are shown before those that are the same, and the others are counted")
    func whichFields() throws {
        let one = PageValue.object((0..<1_000).map { .init("f\($0)", .number("1")) })
        let other = PageValue.object((0..<1_000).map { .init("f\($0)", .number($0 == 999 ? "2" : "1")) })
        let comparison = SideComparison([one, other], reference: 0)
        #expect(comparison.fields.contains { $0.name == "f999" && $0.differs })
        #expect(comparison.fields.count + comparison.omittedFields == 1_000)
        #expect(comparison.fields.count * 2 <= Allowance.cells)
        #expect(try page([one, other]).contains("further fields not shown: <a href=\"/review/conflicts/7/sides/1\">"))
    }

    @Test("one changed word in a long text is found and shown with what stands around it")
    func changedWord() throws {
        let before = String(repeating: "alpha beta ", count: 30_000)
        let html = try page([
            .string(before + "gamma " + before), .string(before + "delta " + before),
        ])
        #expect(html.contains("[differs: </span>delta"))
        #expect(html.utf8.count < 100_000)
    }

    @Test("a value that is too long to be edited is not put into the form, so that no part of it is set as the whole")
    func editing() throws {
        let long = try page([.string(String(repeating: "x", count: 30_000)), .null])
        #expect(long.contains("too long to be edited here"))
        #expect(!long.contains(String(repeating: "x", count: 20_001)))
        let short = try page([.string("a value"), .null])
        #expect(!short.contains("too long to be edited here"))
        #expect(short.contains("&quot;a value&quot;</textarea>"))
    }

    @Test("what a text costs is never less than what is rendered of it", arguments: hostileTexts + [Samples.longText])
    func costs(text: String) {
        for length in [1, 10, 399, 1_000] {
            let part = text.prefix(scalars: length)
            let cost = part.cost(upTo: .max)
            let runs = VisibleText(part).runs.reduce(0) { sum, run in
                switch run {
                case .plain(let text): sum + PageContentType().escapeText(text).utf8.count
                case .control: sum + 60
                }
            }
            #expect(runs <= cost + 8, "\(runs) bytes, \(cost) expected")
            #expect(part.prefix(cost: cost) == part)
            #expect(part.fits(cost: cost) && !part.fits(cost: cost - 1))
        }
    }

    @Test("beginnings of JSON end where they are told to, and say whether they are all of it")
    func beginnings() {
        let value = PageValue.array((0..<100_000).map { .number("\($0)") })
        let cut = JSONText.pretty(value, upTo: 1_000)
        #expect(!cut.isWhole && cut.text.utf8.count < 1_100)
        #expect(JSONText.pretty(value).hasPrefix(cut.text))
        let small = PageValue.object([.init("a", .array([.null, .bool(true)]))])
        #expect(JSONText.pretty(small, upTo: 1_000) == (JSONText.pretty(small), true))
        #expect(JSONText.compact(small) == #"{"a": [null, true]}"#)
    }
}
