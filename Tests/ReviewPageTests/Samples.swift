import Causality
import ReviewPage

/// Pages as they look on a working day, with a place for each text that comes from elsewhere.
enum Samples {
    /// 2026-05-30T09:12:44.120Z
    static let start: Int64 = 1_780_132_364_120

    static let session = ReviewSession(user: "rosa", tenant: "alpine-tours", csrf: "c5f1")

    static func object(_ members: (String, PageValue)...) -> PageValue {
        .object(members.map { PageValue.Member($0.0, $0.1) })
    }

    static func head(
        _ id: Int, kind: PageKind = .writeWrite, status: PageStatus = .open, record: String = "alps-2026",
        unit: String = "total", policy: String = "manual", assignee: String? = nil
    ) -> ConflictHead {
        ConflictHead(
            id: String(id), version: 2, kind: kind, status: status, collection: "trips", record: record, unit: unit,
            policy: policy, openedAtMilliseconds: start + Int64(id) * 61_000, assignee: assignee)
    }

    // MARK: List

    static let rows: [ListPage.Row] = [
        ListPage.Row(
            conflict: head(418),
            sides: [
                ListPage.SideBrief(value: .number("1284.50"), device: "ana-ipad", user: "ana", standing: .beside),
                ListPage.SideBrief(value: .number("1310"), device: "ben-mac", user: "ben", standing: .shows),
            ], comments: 2),
        ListPage.Row(
            conflict: head(417, record: "tauern-hut-42", unit: "notes", assignee: "rosa"),
            sides: [
                ListPage.SideBrief(
                    value: .string(
                        "Keys are with the warden until Friday.\nBring the small stove, the big one leaks and nobody has looked at it."
                    ), device: "ana-ipad", user: "ana", standing: .shows),
                ListPage.SideBrief(
                    value: .string("Keys are with the neighbour until Sunday."), device: "hut-tablet", user: "clara",
                    standing: .beside),
                ListPage.SideBrief(
                    value: .string("Keys are lost."), device: "ben-mac", user: "ben", standing: .dropped),
            ], comments: 0),
        ListPage.Row(
            conflict: head(
                416, kind: .deleteWrite, status: .automatic, record: "old-summit", unit: "$record",
                policy: "update-wins"),
            sides: [
                ListPage.SideBrief(value: nil, device: "ben-mac", user: "ben", standing: .beside),
                ListPage.SideBrief(
                    value: object(("name", .string("Old summit")), ("height", .number("2964")), ("open", .bool(true))),
                    device: "ana-ipad", user: "ana", standing: .shows),
            ], comments: 0),
        ListPage.Row(
            conflict: head(415, status: .automatic, record: "guest-7", unit: "passport", policy: "lww"),
            sides: [
                ListPage.SideBrief(value: redacted("a"), device: "desk", user: "clara", standing: .shows),
                ListPage.SideBrief(value: redacted("b"), device: "ana-ipad", user: "ana", standing: .beside),
            ], comments: 1),
    ]

    static func redacted(_ digit: String) -> PageValue {
        object(("$redacted", .string(String(repeating: digit, count: 64))))
    }

    static func list(
        filters: ConflictFilters = ConflictFilters(collection: "trips", assignee: .me), rows: [ListPage.Row] = rows,
        message: PageMessage? = nil
    ) -> ListPage {
        ListPage(
            session: session, filters: filters,
            counts: ListPage.Counts(open: "37", automatic: "999+", resolved: "212", superseded: "8", all: "999+"),
            rows: rows, nextPage: rows.isEmpty ? nil : "p2", isFirstPage: true, position: "4711", message: message)
    }

    // MARK: Conflict

    static func event(
        _ device: DeviceID, _ counter: Int64, seen context: VersionVector, at seconds: Int64, user: String,
        _ kind: RecordEvent.Kind = .update, _ outcome: RecordEvent.Outcome = .applied, side: Int? = nil
    ) -> RecordEvent {
        RecordEvent(
            dot: Dot(device: device, counter: counter), clock: context.setting(device, to: counter), user: user,
            operation: "op-\(device)-\(counter)", kind: kind, outcome: outcome,
            atMilliseconds: start + seconds * 1000, side: side)
    }

    static let events: [RecordEvent] = [
        event("ana-ipad", 1, seen: [:], at: 0, user: "ana", .create),
        event("ana-ipad", 2, seen: ["ana-ipad": 1], at: 400, user: "ana"),
        event("ben-mac", 1, seen: ["ana-ipad": 2], at: 900, user: "ben"),
        event("hut-tablet", 1, seen: ["ana-ipad": 2, "ben-mac": 1], at: 1500, user: "clara"),
        event("ben-mac", 2, seen: ["ana-ipad": 2, "ben-mac": 1], at: 1700, user: "ben", .update, .merged),
        event("ana-ipad", 3, seen: ["ana-ipad": 2, "ben-mac": 1, "hut-tablet": 1], at: 2400, user: "ana", side: 0),
        event("ben-mac", 3, seen: ["ana-ipad": 2, "ben-mac": 2], at: 2600, user: "ben", .update, .conflicted, side: 1),
        event("hut-tablet", 2, seen: ["ana-ipad": 3, "ben-mac": 1, "hut-tablet": 1], at: 2900, user: "clara"),
    ]

    static let clock: VersionVector = ["ana-ipad": 3, "ben-mac": 3, "hut-tablet": 2]

    static let longText = """
        Meet at the car park below the old sawmill at six, not at seven as it says in the letter. From there it is two hours \
        to the hut. The first part goes through the forest and is easy; after the second bridge keep left, the right-hand path \
        was washed away in spring. Water at the hut only from the tank behind the house. The stove needs the small pieces of \
        wood. Whoever comes last shuts the upper window, or the marten is in again.
        """

    static func side(
        _ value: PageValue?, _ device: String, _ user: String, _ counter: Int64, _ standing: SideStanding,
        claimed: Int64? = nil
    ) -> ConflictPage.Side {
        ConflictPage.Side(
            value: value, standing: standing, device: device, user: user, counter: counter,
            operation: "01J\(counter)8Z3T4M1QK7V", stampMilliseconds: start + 2_400_000 + counter * 70_000,
            claimedAtMilliseconds: claimed)
    }

    static let textSides = [
        side(.string(longText), "ana-ipad", "ana", 3, .beside),
        side(
            .string(
                longText.replacing("at six, not at seven", with: "at half past six").replacing(
                    "the small pieces", with: "dry pieces")
                    + " And bring the key back to the warden."), "ben-mac", "ben", 3, .shows,
            claimed: start - 86_400_000),
    ]

    static let objectSides = [
        side(
            object(
                ("name", .string("Großglockner tour")), ("guests", .number("8")), ("paid", .bool(false)),
                ("notes", .string(longText)), ("hut", object(("beds", .number("12")), ("warden", .string("Toni"))))),
            "ana-ipad", "ana", 3, .beside),
        side(
            object(
                ("name", .string("Großglockner tour")), ("guests", .number("9")), ("paid", .bool(true)),
                ("notes", .string(longText.replacing("keep left", with: "keep right"))),
                ("hut", object(("beds", .number("12")), ("warden", .string("Vroni"))))), "ben-mac", "ben", 3, .shows),
        side(nil, "hut-tablet", "clara", 2, .dropped),
    ]

    static func conflict(
        sides: [ConflictPage.Side] = textSides, head: ConflictHead = head(417, unit: "directions", assignee: "rosa"),
        life: ConflictPage.RecordNow.Life = .alive, decision: ConflictPage.Decision = ConflictPage.Decision(),
        resolution: ConflictPage.Resolution? = nil, events: [RecordEvent] = events, message: PageMessage? = nil
    ) -> ConflictPage {
        ConflictPage(
            session: session, conflict: head, batch: "01J8Z3T4M1QK7VB", clockBefore: ["ana-ipad": 3, "ben-mac": 2],
            clockAfter: ["ana-ipad": 3, "ben-mac": 3], sides: sides,
            record: ConflictPage.RecordNow(
                life: life, value: sides.first { $0.standing == .shows }?.value,
                whole: object(
                    ("name", .string("Alps 2026")), ("directions", .string(longText)), ("total", .number("1310"))),
                clock: clock, clockText: #"{"ana-ipad":3,"ben-mac":3,"hut-tablet":2}"#), decision: decision,
            resolution: resolution,
            comments: [
                ConflictPage.Comment(
                    user: "clara", atMilliseconds: start + 4_000_000,
                    text: "Ben was on the phone with the warden, I think his time is right."),
                ConflictPage.Comment(
                    user: "rosa", atMilliseconds: start + 4_400_000,
                    text: "I shall ask him.\nUntil then nobody drives anywhere."),
            ], history: ConflictPage.History(events: events, omitted: 0),
            neighbours: ConflictPage.Neighbours(
                previous: "418", next: "416", filters: ConflictFilters(collection: "trips", assignee: .me)),
            position: "4711", message: message)
    }

    // MARK: The others

    static func bulk(_ choice: BulkPage.Choice? = .loser) -> BulkPage {
        BulkPage(
            session: session, filters: ConflictFilters(status: .automatic, collection: "trips"), count: "37",
            note: "as agreed",
            preview: choice.map { choice in
                BulkPage.Preview(
                    choice: choice,
                    rows: [
                        BulkPage.Row(
                            conflict: rows[0].conflict,
                            effect: .changes(shown: .number("1310"), would: .number("1284.50"))),
                        BulkPage.Row(conflict: rows[1].conflict, effect: .keeps(shown: .string(longText))),
                        BulkPage.Row(
                            conflict: rows[2].conflict, effect: .impossible(reason: "the record has been deleted since")
                        ),
                    ], changedRecords: 1, isCut: true)
            })
    }

    static let bulkResult = BulkResultPage(
        session: session, filters: ConflictFilters(status: .automatic), decided: 36,
        refusals: [
            BulkResultPage.Refusal(conflict: "416", head: rows[2].conflict, reason: "a side joined it meanwhile"),
            BulkResultPage.Refusal(conflict: "9", reason: "there is no such conflict"),
        ])

    static let summary = SummaryPage(
        session: session,
        days: (0..<30).map { day in
            let number = day % 7 > 4 ? 0 : (day * 37) % 23
            return SummaryPage.Count(
                day < 2 ? "2026-04-\(29 + day)" : "2026-05-\(day < 11 ? "0" : "")\(day - 1)", number)
        },
        statuses: [
            SummaryPage.StatusCount(status: .open, count: 37), SummaryPage.StatusCount(status: .automatic, count: 1303),
            SummaryPage.StatusCount(status: .resolved, count: 212),
        ],
        kinds: [
            SummaryPage.KindCount(kind: .writeWrite, count: 1453), SummaryPage.KindCount(kind: .deleteWrite, count: 96),
            SummaryPage.KindCount(kind: .stale, count: 3),
        ],
        collections: [
            SummaryPage.Count("trips", 830), SummaryPage.Count("guests", 402), SummaryPage.Count("huts", 12),
        ],
        units: [
            SummaryPage.UnitCount(collection: "trips", unit: "total", count: 512),
            SummaryPage.UnitCount(collection: "trips", unit: "directions", count: 301),
            SummaryPage.UnitCount(collection: "guests", unit: "$record", count: 96),
        ],
        devices: [
            SummaryPage.Count("ana-ipad", 700), SummaryPage.Count("ben-mac", 640), SummaryPage.Count("hut-tablet", 88),
        ])
}
