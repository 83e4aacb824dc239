import Causality
import ReviewPage

/// Every page with one text in every place that holds a text from elsewhere.
struct HostilePages {
    let all: [(name: String, html: String)]

    init(_ text: String) throws {
        let pages = try ReviewPages()
        let session = ReviewSession(user: text, tenant: text, csrf: text)
        let value = Samples.object(
            (text, .string(text)), ("list", .array([.string(text), .number("1"), Samples.object((text, .null))])))
        let head = ConflictHead(
            id: text, version: 1, kind: .writeWrite, status: .open, collection: text, record: text, unit: text,
            policy: text, openedAtMilliseconds: 0, assignee: text)
        let filters = ConflictFilters(
            collection: text, record: text, unit: text, policy: text, device: text, user: text, assignee: .user(text),
            since: text, until: text)
        let counts = ListPage.Counts(open: text, automatic: text, resolved: text, superseded: text, all: text)
        let brief = [PageValue.string(text), value, .number(text)].map {
            ListPage.SideBrief(value: $0, device: text, user: text, standing: .shows)
        }
        let sides = [PageValue.string(text), value, .string(text + " and so on"), nil].map { value in
            ConflictPage.Side(
                value: value, standing: .beside, device: text, user: text, counter: 1, operation: text,
                stampMilliseconds: 0, claimedAtMilliseconds: .min)
        }
        let events = ["a", text].enumerated().map { index, device in
            RecordEvent(
                dot: Dot(device: DeviceID(device), counter: 1), clock: [DeviceID(device): 1], user: text,
                operation: text,
                kind: .update, outcome: .applied, atMilliseconds: 0, side: index)
        }
        func conflict(
            _ sides: [ConflictPage.Side], _ decision: ConflictPage.Decision, _ ending: ConflictPage.Resolution.Ending,
            _ message: PageMessage
        ) -> ConflictPage {
            ConflictPage(
                session: session, conflict: head, batch: text, clockBefore: [DeviceID(text): 1],
                clockAfter: [DeviceID(text): 2], sides: sides,
                record: ConflictPage.RecordNow(
                    life: .deleted, value: value, whole: value, clock: [DeviceID(text): 3], clockText: text),
                decision: decision,
                resolution: ConflictPage.Resolution(ending: ending, user: text, atMilliseconds: 0, note: text),
                comments: [ConflictPage.Comment(user: text, atMilliseconds: 0, text: text)],
                history: ConflictPage.History(events: events, omitted: 3),
                neighbours: ConflictPage.Neighbours(previous: text, next: text, filters: filters), position: text,
                message: message)
        }
        let count = SummaryPage.Count(text, 3)
        all = [
            (
                "list",
                pages.list(
                    ListPage(
                        session: session, filters: filters, counts: counts,
                        rows: [ListPage.Row(conflict: head, sides: brief, comments: 1)], nextPage: text,
                        isFirstPage: false,
                        position: text, message: .assigned(to: text)))
            ),
            (
                "empty list",
                pages.list(
                    ListPage(session: session, filters: filters, counts: counts, rows: [], position: text))
            ),
            (
                "conflict",
                pages.conflict(
                    conflict(
                        sides,
                        ConflictPage.Decision(chosen: "value", valueText: text, note: text, restores: true),
                        .decided(value: .string(text)), .refused(reason: text)))
            ),
            (
                "conflict of objects",
                pages.conflict(
                    conflict(
                        [sides[1], sides[3]], ConflictPage.Decision(offer: .closed(reason: text)),
                        .superseded(device: text), .decidedOtherwise(by: text)))
            ),
            (
                "bulk",
                pages.bulk(
                    BulkPage(
                        session: session, filters: filters, count: text, note: text,
                        preview: BulkPage.Preview(
                            choice: .loser,
                            rows: [
                                BulkPage.Row(conflict: head, effect: .changes(shown: value, would: .string(text))),
                                BulkPage.Row(conflict: head, effect: .keeps(shown: .string(text))),
                                BulkPage.Row(conflict: head, effect: .impossible(reason: text)),
                            ], changedRecords: 1, isCut: true)))
            ),
            (
                "bulk result",
                pages.bulkResult(
                    BulkResultPage(
                        session: session, filters: filters, decided: 1,
                        refusals: [
                            BulkResultPage.Refusal(conflict: text, head: head, reason: text),
                            BulkResultPage.Refusal(conflict: text, reason: text),
                        ]))
            ),
            (
                "summary",
                pages.summary(
                    SummaryPage(
                        session: session, days: [count], statuses: [], kinds: [], collections: [count],
                        units: [SummaryPage.UnitCount(collection: text, unit: text, count: 2)], devices: [count]))
            ),
            ("sign-in", pages.signIn(SignInPage(user: text, tenant: text, code: text))),
            ("unreadable", pages.notice(NoticePage(.unreadable(reason: text), session: session))),
            ("choice", pages.notice(NoticePage(.choice([NoticePage.Choice(name: text, address: "/review/provider")])))),
            ("trouble", pages.notice(NoticePage(.trouble(requestID: text), session: session))),
        ]
    }
}
