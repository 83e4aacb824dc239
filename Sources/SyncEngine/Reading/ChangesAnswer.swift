import Causality
import MergeCore
import SyncStorage
import SyncWire
import Synchronization

/// One page of the feed, for all who are answered with it.
public struct ChangesAnswer: Sendable {
    /// The page as the wire has it.
    public let page: ChangesPage
    /// The sequence that the cursor stands for.
    let reached: Int64
    /// The life of the data that its cursor names.
    let life: LifeID
    private let form = SharedForm()

    init(_ page: ChangesPage, reached: Int64, in life: LifeID) {
        self.page = page
        self.reached = reached
        self.life = life
    }

    /// Whether it says nothing, and another may be waited for.
    var isEmpty: Bool { page.records.isEmpty && !page.end.hasMore }

    /// The end of the page without what is in it, for a reader who has that and waits for more.
    var withoutRecords: ChangesAnswer {
        ChangesAnswer(ChangesPage(records: [], end: page.end), reached: reached, in: life)
    }

    /// The page in the form that it is sent in, made once for all who are answered with it.
    public func form<Form: Sendable>(_ make: (ChangesPage) -> Form) -> Form {
        form.value { make(page) }
    }
}

extension ChangeQuery {
    /// Asks for what comes after a page.
    mutating func goOn(after answer: ChangesAnswer) {
        after = answer.reached
        life = answer.life
    }
}

/// What is made of a page once in each form, whoever asks first.
private final class SharedForm: Sendable {
    private let made = Mutex<[ObjectIdentifier: any Sendable]>([:])

    func value<Form: Sendable>(_ make: () -> Form) -> Form {
        made.withLock { made in
            if let there = made[ObjectIdentifier(Form.self)] as? Form { return there }
            let new = make()
            made[ObjectIdentifier(Form.self)] = new
            return new
        }
    }
}

/// A catch-up under way: the pages from where its device asked, up to the feed's end.
///
/// The catch-up is one request of its device's budget. Only the cursor that the device itself brought is noted as what
/// it has, because what was sent may not have arrived.
public struct ChangesCatchUp: Sendable {
    let stream: ReaderStream
    let query: ChangeQuery
    /// The first page, which has been read.
    public let first: ChangesAnswer

    /// The page after one of these; nil after the last.
    /// - Throws: `token_expired` and `device_retired` where that has happened meanwhile.
    public func page(after page: ChangesAnswer) async throws(Problem) -> ChangesAnswer? {
        guard page.page.end.hasMore else { return nil }
        try await stream.check()
        var query = query
        query.goOn(after: page)
        return try await stream.engine.page(stream.caller.tenant, query)
    }
}
