import Testing

@testable import ReviewPage

@Suite("what devices write stays text")
struct EscapingTests {
    /// Each breaks out of somewhere when it is not escaped; the last ones only where escaping goes by characters.
    static let hostile = [
        #""><script>x</script>"#, #"'><script>x</script>"#, "\"\u{301}><script>x</script>", "'\u{20DD} onclick=x y='",
        "<\u{338}script>", "&\u{301}lt;script>", "`><script>x</script>", "</textarea><script>x</script>",
        "</title><script>x</script>", "]]><script>x</script>", "{{{x}}}<script>x</script>",
    ]

    @Test("everything that HTML reads is escaped, whatever stands behind it")
    func bytes() {
        let escaper = PageContentType()
        for special in ["<", ">", "&", "\"", "'", "`"] {
            for tail in ["", "a", "\u{301}", "\u{338}", "\u{20DD}", "\u{FE0F}", "\u{200D}", "\r", "\n"] {
                let escaped = escaper.escapeText("x" + special + tail)
                let rest = escaped.unicodeScalars.filter { "<>\"'`".unicodeScalars.contains($0) }
                #expect(rest.isEmpty, "\(special) before \(tail.unicodeScalars.map(\.codePoint))")
                #expect(escaped.utf8.starts(with: "x&".utf8))
            }
        }
        #expect(escaper.escapeText("plain, ünïcode, 👩‍💻") == "plain, ünïcode, 👩‍💻")
        #expect(escaper.escapeText("a\u{0}b") == "a\u{FFFD}b")
    }

    @Test("no template has a way around the escaping", arguments: Template.allCases)
    func templates(_ template: Template) {
        let text = template.text
        #expect(!text.contains("{{{"))
        #expect(!text.contains("{{&"))
        #expect(!text.contains("{{="), "other delimiters would hide the two above")
        #expect(!text.contains("{{%"), "the content type is set for all when they are read")
        for element in ["<style", "javascript:", " style=", "<iframe", "<base", "data:"] {
            #expect(!text.lowercased().contains(element), "\(element)")
        }
        #expect(text.split(separator: "<script").dropFirst().allSatisfy { $0.hasPrefix(" src=\"{{script}}\" defer>") })
    }

    @Test(
        "a partial is called from the first column, so that nothing is indented into a text",
        arguments: Template.allCases)
    func partials(_ template: Template) {
        for line in template.text.split(separator: "\n") where line.contains("{{>") {
            let isAlone = line.drop { $0 == " " }.hasPrefix("{{>")
            #expect(!isAlone || line.hasPrefix("{{>"), "\(line)")
        }
    }

    @Test("a variable stands in text or in a quoted attribute", arguments: Template.allCases)
    func quoting(_ template: Template) {
        // After an equals sign there is always a quotation mark.
        #expect(!template.text.contains("={{"))
        #expect(!template.text.contains("= {{"))
    }

    @Test("no hostile text comes out as markup, on any page", arguments: hostile)
    func pages(_ hostile: String) throws {
        for page in try HostilePages(hostile).all {
            let html = try HTMLOutline(page.html)
            #expect(html.faults.isEmpty, "\(page.name): \(html.faults)")
            #expect(html.elements.filter { $0.name == "script" }.count == 1, "\(page.name)")
            #expect(!page.html.contains("<script>"), "\(page.name)")
            for element in html.elements {
                #expect(HTMLOutline.known.contains(element.name), "\(page.name): <\(element.name)>")
                for attribute in element.attributes.keys {
                    #expect(!attribute.hasPrefix("on") && attribute != "style", "\(page.name): \(attribute)")
                }
                for name in ["href", "action", "src"] {
                    guard let address = element.attributes[name] else { continue }
                    #expect(address.hasPrefix("/review") || address == "#main", "\(page.name): \(address)")
                }
            }
        }
    }

    @Test("the text is there, escaped: nothing is lost on the way")
    func presence() throws {
        for page in try HostilePages("x<y>&\"z").all {
            #expect(page.html.contains("x&lt;y&gt;&amp;&quot;z"), "\(page.name)")
        }
    }

    @Test("a notice leads back to these pages only")
    func noticePath() throws {
        let pages = try ReviewPages()
        for path in [
            "//evil.example/", "https://evil.example", "javascript:alert(1)", "/reviewer", "/review/\\evil",
            "/review\t", "/review/../v1", "/review/%2e%2E/v1", "/review/x/.%2e/..", "/review#x", "/Review", "",
        ] {
            let html = pages.notice(NoticePage(.signedOut(path: path)))
            #expect(html.contains(#"href="/review">Try again"#), "\(path)")
            let next = pages.notice(NoticePage(.signedIn(path: path)))
            #expect(next.contains(#"content="0; url=/review">"#) && next.contains(#"href="/review">Go on"#), "\(path)")
        }
        #expect(
            pages.notice(NoticePage(.signedOut(path: "/review?status=all"))).contains(#"href="/review?status=all""#))
    }
}
