import Causality
import MergeCore
import ReviewPage
import StrictJSON
import SyncEngine
import SyncStorage
import SyncWire
import Values

extension Decision {
    /// Reads a decision as the page's form sends it.
    /// - Throws: `invalid_request` for what cannot be read.
    init(form: FormFields, limits: WireLimits) throws(Problem) {
        guard let version = Int64(form["version"]) else {
            throw Problem(.invalidRequest, "The form names no version.")
        }
        let choice: Choice
        switch form["choose"] {
        case "current": choice = .current
        case "value":
            do {
                choice = .value(try Value(json: form["value"]))
            } catch {
                throw Problem(.invalidRequest, "The value is no JSON: \(error.detail)")
            }
        case let text:
            guard let number = Int(text) else { throw Problem(.invalidRequest, "Nothing was chosen.") }
            choice = .side(number)
        }
        var seen: VersionVector?
        if !form["clock"].isEmpty {
            seen = (try? Value(json: form["clock"])).flatMap { VersionVector(json: $0, limits: limits) }
            if seen == nil { throw Problem(.invalidRequest, "The form's clock cannot be read.") }
        }
        self.init(
            version: version, choice: choice, seen: seen,
            deletedRecord: form["restore"] == "true" ? .isRestored : .staysDeleted,
            note: try form.text("note", limits: limits))
    }
}

extension PageMessage {
    /// Says on the next page what came of a form.
    /// - Parameter word: the word in the address.
    init?(said word: String?, _ view: ConflictView) {
        switch word {
        case "decided" where view.ending?.kind == .resolved: self = .decided
        case "decided-already" where view.ending?.kind == .resolved: self = .decidedAlready
        case "commented" where !view.comments.isEmpty: self = .commented
        case "assigned" where !view.assignments.isEmpty:
            self = view.row.assignee.isEmpty ? .unassigned : .assigned(to: view.row.assignee)
        case _: return nil
        }
    }

    /// Says why a decision was not carried out.
    /// - Parameter version: the version that the form was about.
    init(_ problem: Problem, on view: ConflictView, lookedAt version: Int64?) {
        switch problem.code {
        case .conflictChanged: self = version == view.row.version ? .recordChanged : .conflictChanged
        case .alreadyResolved: self = .decidedOtherwise(by: view.ending?.user.text ?? "")
        case .storageUnavailable, .overloaded, .internalError: self = .unavailable
        case _: self = .refused(reason: problem.detail)
        }
    }
}

extension BulkPage.Preview {
    init(_ choice: BulkPage.Choice, _ outcome: BulkOutcome) {
        var rows: [BulkPage.Row] = []
        var changed: Set<RecordKey> = []
        for entry in outcome.entries {
            switch entry.end {
            case .decided(let conflict, _, let effect):
                let isChange = effect?.isChange ?? false
                if isChange { changed.insert(conflict.recordKey) }
                // A value for which there was no room is shown like one that is cut off.
                let shown = entry.isCut ? .string("…") : effect?.before.map(PageValue.init(_:))
                let would = entry.isCut ? .string("…") : effect?.after.map(PageValue.init(_:))
                rows.append(
                    BulkPage.Row(
                        conflict: ConflictHead(conflict, version: entry.version),
                        effect: isChange ? .changes(shown: shown, would: would) : .keeps(shown: shown)))
            case .refused(let conflict?, let problem):
                rows.append(
                    BulkPage.Row(
                        conflict: ConflictHead(conflict, version: entry.version),
                        effect: .impossible(reason: problem.detail)))
            case .refused(nil, _): break
            }
        }
        self.init(choice: choice, rows: rows, changedRecords: changed.count, isCut: outcome.next != nil)
    }
}

extension BulkResultPage {
    init(_ outcome: BulkOutcome, session: ReviewSession, filters: ConflictFilters) {
        let refusals: [Refusal] = outcome.entries.compactMap { entry in
            guard case .refused(let conflict, let problem) = entry.end else { return nil }
            return Refusal(
                conflict: String(entry.conflict.position), head: conflict.map { ConflictHead($0) },
                reason: problem.detail)
        }
        self.init(
            session: session, filters: filters, decided: outcome.counts.decided, refusals: refusals)
    }
}

extension SummaryPage {
    /// Makes the page of counts.
    /// - Parameter rows: how many rows each kind of name has at most.
    init(_ counts: ConflictCounts, session: ReviewSession, nowMilliseconds: Int64, rows: Int) {
        let byDay = Dictionary(
            counts.byDay.map { ($0.name, Int($0.count)) }, uniquingKeysWith: { first, _ in first })
        let days = (0..<30).reversed().map { back -> Count in
            let day = String(Timestamp(milliseconds: nowMilliseconds - Int64(back) * 86_400_000).text.prefix(10))
            return Count(day, byDay[day] ?? 0)
        }
        func most(_ counts: [ConflictCounts.Count]) -> [Count] {
            counts.sorted { $0.count > $1.count }.prefix(rows).map { Count($0.name, Int($0.count)) }
        }
        self.init(
            session: session, days: days,
            statuses: counts.byStatus.compactMap { count in
                PageStatus(rawValue: count.name).map { StatusCount(status: $0, count: Int(count.count)) }
            },
            kinds: counts.byKind.compactMap { count in
                PageKind(rawValue: count.name).map { KindCount(kind: $0, count: Int(count.count)) }
            }, collections: most(counts.byCollection),
            units: counts.byUnit.sorted { $0.count > $1.count }.prefix(rows).map {
                UnitCount(collection: $0.collection.text, unit: $0.unit.text, count: Int($0.count))
            }, devices: most(counts.byDevice))
    }
}
