import Mustache

/// The pages of the reviewers: what stands in the models, as HTML.
///
/// Values come from devices and are hostile. Templates get texts and never markup (`Fragment`). Every template escapes
/// by `PageContentType`, and none has a way around it. The pages hold no script and no style of their own, and are
/// served under `contentSecurityPolicy`.
public struct ReviewPages: Sendable {
    public static let contentType = "text/html; charset=utf-8"

    public static let contentSecurityPolicy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

    private let library: MustacheLibrary

    /// - Throws: when a template cannot be read, which the tests rule out.
    public init() throws {
        MustacheContentTypes.register(PageContentType(), named: PageContentType.name)
        var library = MustacheLibrary()
        for template in Template.allCases {
            // The library forgets the content type at the border of a partial, so each says it for itself.
            let text = "{{% CONTENT_TYPE: \(PageContentType.name) }}\n" + template.text
            try library.register(text, named: template.rawValue)
        }
        self.library = library
    }

    public func list(_ page: ListPage) -> String { render(page.fragment, .list) }
    public func conflict(_ page: ConflictPage) -> String { render(page.fragment, .conflict) }
    public func bulk(_ page: BulkPage) -> String { render(page.fragment, .bulk) }
    public func bulkResult(_ page: BulkResultPage) -> String { render(page.fragment, .bulkResult) }
    public func summary(_ page: SummaryPage) -> String { render(page.fragment, .summary) }
    public func signIn(_ page: SignInPage) -> String { render(page.fragment, .signIn) }
    public func sessions(_ page: SessionsPage) -> String { render(page.fragment, .sessions) }
    public func notice(_ page: NoticePage) -> String { render(page.fragment, .notice) }

    public func front(_ page: FrontPage) -> String { render(page.fragment, .front) }

    private func render(_ fragment: Fragment, _ template: Template) -> String {
        // Every template was registered when this was made.
        library.render(fragment, withTemplate: template.rawValue) ?? ""
    }
}
