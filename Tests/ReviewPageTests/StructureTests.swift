import ReviewPage
import Testing

@Suite("pages are built for everybody")
struct StructureTests {
    static func pages() throws -> [(name: String, html: String)] {
        let pages = try ReviewPages()
        return [
            ("list", pages.list(Samples.list())),
            ("empty list", pages.list(Samples.list(filters: ConflictFilters(), rows: []))),
            ("conflict", pages.conflict(Samples.conflict(message: .recordChanged))),
            ("conflict of objects", pages.conflict(Samples.conflict(sides: Samples.objectSides, life: .deleted))),
            (
                "resolved",
                pages.conflict(
                    Samples.conflict(
                        decision: ConflictPage.Decision(offer: .closed(reason: "Decided.")),
                        resolution: ConflictPage.Resolution(
                            ending: .decided(value: nil), user: "rosa", atMilliseconds: 0)))
            ),
            ("bulk", pages.bulk(Samples.bulk())), ("bulk choice", pages.bulk(Samples.bulk(nil))),
            ("bulk result", pages.bulkResult(Samples.bulkResult)), ("summary", pages.summary(Samples.summary)),
            ("sign-in", pages.signIn(SignInPage(user: "rosa", tenant: "alps", code: "c"))),
            ("signed out", pages.notice(NoticePage(.signedOut(path: "/review")))),
            ("spent", pages.notice(NoticePage(.linkSpent))),
            ("signed out beside a provider", pages.notice(NoticePage(.justSignedOut, provider: "https://a.example/p"))),
            ("signed in", pages.notice(NoticePage(.signedIn(path: "/review/summary")))),
            ("attempt over", pages.notice(NoticePage(.attemptOver, provider: "https://a.example/p"))),
            ("declined", pages.notice(NoticePage(.declined))), ("away", pages.notice(NoticePage(.providerAway))),
            ("busy", pages.notice(NoticePage(.providerBusy))), ("no reviewer", pages.notice(NoticePage(.noReviewer))),
            (
                "choice",
                pages.notice(NoticePage(.choice([NoticePage.Choice(name: "acme", address: "https://a.example/p")])))
            ),
            ("not found", pages.notice(NoticePage(.notFound, session: Samples.session))),
            (
                "unreadable",
                pages.notice(NoticePage(.unreadable(reason: "'opn' is no filter."), session: Samples.session))
            ),
            ("trouble", pages.notice(NoticePage(.trouble(requestID: "r"), session: Samples.session))),
        ]
    }

    @Test("every page is well formed, in English, with one heading of the first level and a way past the header")
    func outline() throws {
        for page in try Self.pages() {
            let outline = try HTMLOutline(page.html)
            #expect(outline.faults.isEmpty, "\(page.name): \(outline.faults)")
            #expect(outline.elements.filter { $0.name == "h1" }.count == 1, "\(page.name)")
            #expect(outline.elements.filter { $0.name == "main" }.count == 1, "\(page.name)")
            #expect(outline.elements.first?.attributes["lang"] == "en", "\(page.name)")
            #expect(page.html.contains(##"class="skip" href="#main""##), "\(page.name)")
        }
    }

    @Test("headings go down one level at a time")
    func headings() throws {
        for page in try Self.pages() {
            var level = 0
            for element in try HTMLOutline(page.html).elements
            where element.name.count == 2 && element.name.hasPrefix("h") {
                guard let next = Int(element.name.dropFirst()) else { continue }
                #expect(next <= level + 1, "\(page.name): h\(next) after h\(level)")
                level = next
            }
        }
    }

    @Test("titles tell the pages apart")
    func titles() throws {
        // These are other states of one page.
        let states = ["empty list", "conflict of objects", "resolved", "bulk choice"]
        let titles = try Self.pages().filter { !states.contains($0.name) }.map {
            $0.html.components(between: "<title>", and: "</title>")
        }
        #expect(Set(titles).count == titles.count, "\(titles)")
    }

    @Test("an id occurs once in a page, and what is referred to exists")
    func ids() throws {
        for page in try Self.pages() + HostilePages("x").all.filter({ !$0.name.hasPrefix("bulk") }) {
            let elements = try HTMLOutline(page.html).elements
            let ids = elements.compactMap { $0.attributes["id"] }
            #expect(Set(ids).count == ids.count, "\(page.name)")
            for element in elements {
                for name in ["for", "form", "aria-labelledby", "list"] {
                    for id in element.attributes[name, default: ""].split(separator: " ") {
                        #expect(ids.contains(String(id)), "\(page.name): \(name)=\(id)")
                    }
                }
            }
        }
    }

    @Test("every field has a label")
    func labels() throws {
        for page in try Self.pages() {
            let elements = try HTMLOutline(page.html).elements
            let labelled = Set(elements.filter { $0.name == "label" }.compactMap { $0.attributes["for"] })
            for element in elements where ["input", "select", "textarea"].contains(element.name) {
                if element.attributes["type"] == "hidden" { continue }
                #expect(labelled.contains(element.attributes["id"] ?? ""), "\(page.name): \(element.attributes)")
            }
        }
    }

    @Test("headers of tables say what they head")
    func tables() throws {
        for page in try Self.pages() {
            for element in try HTMLOutline(page.html).elements where element.name == "th" {
                #expect(["col", "row"].contains(element.attributes["scope"] ?? ""), "\(page.name)")
            }
        }
    }

    @Test("every form that changes something is sent with the session's token, but the one that begins a session")
    func tokens() throws {
        for page in try Self.pages() {
            let forms = page.html.split(separator: "<form ").dropFirst().map {
                $0.components(between: "", and: "</form>")
            }
            for form in forms where form.contains(#"method="post""#) {
                let isSignIn = form.contains(#"action="/review/sign-in""#)
                #expect(isSignIn != form.contains(#"name="csrf" value="c5f1""#), "\(page.name): \(form)")
            }
        }
    }

    @Test("nothing interactive stands inside a link or a button")
    func nesting() throws {
        for page in try Self.pages() + HostilePages(String(repeating: "long text ", count: 200)).all {
            for element in try HTMLOutline(page.html).elements
            where ["a", "button", "details", "input", "select", "textarea"].contains(element.name) {
                #expect(!element.around.contains("a") && !element.around.contains("button"), "\(page.name): \(element)")
            }
            for element in try HTMLOutline(page.html).elements
            where ["div", "details", "p", "ul"].contains(element.name) {
                #expect(!element.around.contains("p") && !element.around.contains("span"), "\(page.name): \(element)")
            }
        }
    }

    @Test("enter in the note decides nothing: the form's first button cannot be pressed")
    func implicitSubmission() throws {
        let html = try ReviewPages().conflict(Samples.conflict())
        let elements = try HTMLOutline(html).elements
        let first = try #require(
            elements.first { element in
                element.name == "button"
                    && (element.attributes["form"] == "decide" || element.attributes["hidden"] != nil)
            })
        #expect(first.attributes["disabled"] != nil)
    }

    @Test("a decision that came back keeps what was chosen and noted, also as a value")
    func keptEntries() throws {
        let pages = try ReviewPages()
        let html = pages.conflict(
            Samples.conflict(
                life: .deleted,
                decision: ConflictPage.Decision(
                    chosen: "value", valueText: "\n{\"a\": 1", note: "because <so>", restores: true),
                message: .conflictChanged))
        #expect(html.contains("\n\n{&quot;a&quot;: 1</textarea>"), "a parser drops the first line feed")
        #expect(html.contains(#"value="because &lt;so&gt;""#))
        #expect(html.contains(#"name="restore" value="true" checked"#))
        #expect(html.contains(#"<details class="other" open>"#))
        #expect(html.contains(#"role="alert""#))
    }

    @Test("equal hidden values are seen to be equal, others to differ")
    func redaction() throws {
        let pages = try ReviewPages()
        func fingerprints(_ digits: [String]) -> [String] {
            let sides = digits.map { Samples.side(Samples.redacted($0), "d", "u", 1, .beside) }
            return pages.conflict(Samples.conflict(sides: sides)).split(separator: "have equal ones\">").dropFirst()
                .prefix(2).map {
                    $0.components(between: "", and: "<")
                }
        }
        let equal = fingerprints(["a", "a"])
        let other = fingerprints(["a", "b"])
        #expect(equal.count == 2 && equal[0] == equal[1])
        #expect(other.count == 2 && other[0] != other[1])
    }
}

extension StringProtocol {
    func components(between start: String, and end: String) -> String {
        let after =
            start.isEmpty ? self[...] : self.range(of: start).map { self[$0.upperBound...] } ?? self[endIndex...]
        return String(after.range(of: end).map { after[..<$0.lowerBound] } ?? after[...])
    }

    private func range(of part: String) -> Range<Index>? {
        self.firstRange(of: part)
    }
}
