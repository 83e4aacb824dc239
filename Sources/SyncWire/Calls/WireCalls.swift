import Causality
import MergeCore

// The calls of the protocol, by what they answer. The contract is `Schemas/OpenAPI/openapi.yaml`.

extension WireCall where Answer: WireDocument {
    fileprivate init(_ method: Method, _ path: WirePath, headers: [Header] = [], body: [UInt8]? = nil) {
        self.init(method, path, headers: headers, body: body) { bytes throws(WireError) in
            try Answer(encoded: bytes)
        }
    }
}

extension WireCall where Answer == SessionAnswer {
    /// Who the caller is, and what it may ask.
    public static var session: Self { Self(.get, WirePath("/v1/session")) }
}

extension WireCall where Answer == Schema {
    /// The collections that the server accepts.
    public static var collections: Self { Self(.get, WirePath("/v1/collections")) }
}

extension WireCall where Answer == BatchAnswer {
    /// Commits a batch.
    /// - Parameters:
    ///   - body: of a `BatchRequest`. A retry sends the same under the same key.
    ///   - key: 1 to 255 visible ASCII characters, new for each batch.
    ///   - returning: whether the answer carries the records that the batch touched.
    ///   - isDryRun: whether the answer only says what would happen. Nothing is stored then, not even the key.
    public static func batch(
        _ body: [UInt8], key: ExactString, returning: BatchReturn = .full, isDryRun: Bool = false
    ) -> Self {
        let path = WirePath("/v1/batches")
            .query("return", returning == .full ? nil : returning.rawValue)
            .query("dryRun", isDryRun ? "true" : nil)
        return Self(
            .post, path, headers: [Header(name: "Idempotency-Key", value: IdempotencyKey.field(for: key))], body: body)
    }

    /// What a retry of a batch would be answered.
    /// - Parameters:
    ///   - key: the key that the batch was sent with.
    ///   - device: for reviewers, whose key it is; nil for the token's device.
    public static func storedBatch(key: ExactString, device: DeviceID? = nil) -> Self {
        // As in the header: a quotation mark or a backslash stands in the quoted form alone.
        let isPlain = !key.text.utf8.contains { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
        let name = isPlain ? key : ExactString(IdempotencyKey.field(for: key))
        return Self(.get, WirePath("/v1/batches", name).query("device", device?.name.text))
    }
}

extension WireCall where Answer == ChangesPage {
    /// One page of the feed.
    /// - Parameters:
    ///   - since: the cursor that was saved last; nil from the beginning.
    ///   - limit: how many records the page looks at; nil for the server's default.
    ///   - collections: the only ones whose records are wanted; empty for all. A cursor is good for one selection of
    ///     them.
    ///   - waitSeconds: for how many seconds an empty answer may be held until something changes; nil for none.
    public static func changes(
        since: String?, limit: Int? = nil, collections: [ExactString] = [], waitSeconds: Int? = nil
    ) -> Self {
        var path = WirePath("/v1/changes").query("since", since).query("limit", limit.map { String($0) })
            .query("wait", waitSeconds.map { String($0) })
        for collection in collections { path = path.query("collection", collection.text) }
        return Self(.get, path)
    }
}

extension WireCall where Answer == ChangesPage {
    /// One page of the feed, of these records alone where it says so.
    public static func changes(_ request: FeedRequest) -> Self {
        Self(.post, WirePath("/v1/changes/query"), body: request.encoded())
    }
}

extension WireCall where Answer == RecordsAnswer {
    /// Records by their ids, as they stand now.
    public static func records(_ request: RecordsRequest) -> Self {
        Self(.post, WirePath("/v1/records/query"), body: request.encoded())
    }
}

extension WireCall where Answer == [ChangesLine] {
    /// The whole catch-up. A client that streams reads it line by line, each as a `ChangesLine`.
    public static func catchUp(since: String?, collections: [ExactString] = []) -> Self {
        var path = WirePath("/v1/changes").query("since", since)
        for collection in collections { path = path.query("collection", collection.text) }
        return Self(.get, path, headers: [Header(name: "Accept", value: "application/x-ndjson")]) {
            bytes throws(WireError) in
            var lines: [ChangesLine] = []
            for line in bytes.split(separator: 0x0A) { lines.append(try ChangesLine(encoded: Array(line))) }
            return lines
        }
    }
}

extension WireCall where Answer == RecordAnswer {
    /// One record as the feed has it, with the events behind what each unit holds.
    public static func record(_ key: RecordKey) -> Self { Self(.get, WirePath("/v1/records", key.collection, key.id)) }
}

extension WireCall where Answer == HistoryPage {
    /// A page of the operations on a record and of the conflicts that they met, newest first.
    /// - Parameters:
    ///   - key: the record's collection and id.
    ///   - limit: how many entries the page has at most; nil for the server's default.
    ///   - page: the `next` of the page before; nil for the first page.
    public static func history(_ key: RecordKey, limit: Int? = nil, page: String? = nil) -> Self {
        Self(
            .get,
            WirePath("/v1/records", key.collection, key.id).then("history")
                .query("limit", limit.map { String($0) }).query("page", page))
    }
}

extension WireCall where Answer == WireOperation {
    /// What happened to an operation.
    public static func operation(_ id: OperationID, device: DeviceID? = nil) -> Self {
        Self(.get, WirePath("/v1/operations", id.name).query("device", device?.name.text))
    }
}

extension WireCall where Answer == OperationsPage {
    /// What was refused for good, newest first.
    public static func rejectedOperations(device: DeviceID? = nil, limit: Int? = nil, page: String? = nil) -> Self {
        Self(
            .get,
            WirePath("/v1/operations").query("outcome", "rejected").query("device", device?.name.text)
                .query("limit", limit.map { String($0) }).query("page", page))
    }
}

extension WireCall where Answer == DevicesAnswer {
    /// All devices of the tenant, sorted by id, the retired ones too. For administrators.
    public static var devices: Self { Self(.get, WirePath("/v1/devices")) }
}

extension WireCall where Answer == WireDevice {
    /// Registers a device; one that is there already is answered as it stands.
    public static func register(_ device: DeviceID) -> Self {
        Self(.post, WirePath("/v1/devices"), body: DeviceRegistration(device: device).encoded())
    }
}

extension WireCall where Answer == Void {
    /// Retires a device: its calls are refused from then on.
    public static func retire(_ device: DeviceID) -> Self {
        Self(.delete, WirePath("/v1/devices", device.name)) { _ in }
    }
}

extension WireCall where Answer == ConflictsPage {
    /// The conflicts that fulfil every condition. For reviewers.
    /// - Parameters:
    ///   - conditions: query parameters, as the contract names them.
    ///   - limit: how many conflicts the page has at most; nil for the server's default.
    ///   - page: the `next` of the page before; nil for the first page.
    public static func conflicts(
        where conditions: [(name: String, value: String)] = [], limit: Int? = nil, page: String? = nil
    ) -> Self {
        var path = WirePath("/v1/conflicts")
        for (name, value) in conditions { path = path.query(name, value) }
        return Self(.get, path.query("limit", limit.map { String($0) }).query("page", page))
    }
}

extension WireCall where Answer == ConflictCounts {
    /// How many conflicts there are, by each of the things that people ask for. For reviewers.
    public static var conflictCounts: Self { Self(.get, WirePath("/v1/conflicts/summary")) }
}

extension WireCall where Answer == WireConflict {
    /// One conflict, with what was said about it and how it ended. For reviewers.
    public static func conflict(_ id: ConflictID) -> Self { Self(.get, WirePath("/v1/conflicts").then(id.text)) }

    /// Adds a comment to a conflict, and answers the conflict with it. For reviewers.
    public static func comment(_ text: ExactString, on id: ConflictID) -> Self {
        Self(
            .post, WirePath("/v1/conflicts").then(id.text).then("comments"),
            body: CommentRequest(text: text).encoded())
    }

    /// Makes a conflict somebody's task, and answers the conflict. For reviewers.
    /// - Parameters:
    ///   - id: the conflict's name.
    ///   - assignee: the user whose task it is to decide; nil for nobody.
    public static func assign(_ id: ConflictID, to assignee: ExactString?) -> Self {
        Self(
            .put, WirePath("/v1/conflicts").then(id.text).then("assignee"),
            body: AssignmentRequest(assignee: assignee).encoded())
    }
}

extension WireCall where Answer == ResolutionAnswer {
    /// Ends a conflict with a decision, which names the version of it that was looked at. For reviewers.
    public static func resolve(_ id: ConflictID, _ decision: DecisionRequest) -> Self {
        Self(.post, WirePath("/v1/conflicts").then(id.text).then("resolutions"), body: decision.encoded())
    }
}

extension WireCall where Answer == BulkResolutionAnswer {
    /// Decides many conflicts alike, those that the decision lists or those that a query selects. For reviewers.
    /// - Parameters:
    ///   - decision: what each of the conflicts is to end with.
    ///   - conditions: query parameters that select the conflicts, where the decision lists none.
    ///   - isPreview: whether the answer only says what would happen, and nothing is stored.
    ///   - page: the `next` of the answer before; nil for the first call.
    public static func resolveMany(
        _ decision: DecisionRequest, where conditions: [(name: String, value: String)] = [], isPreview: Bool = false,
        page: String? = nil
    ) -> Self {
        var path = WirePath("/v1/conflicts/resolutions")
        for (name, value) in conditions { path = path.query(name, value) }
        return Self(
            .post, path.query("dryRun", isPreview ? "true" : nil).query("page", page), body: decision.encoded())
    }
}
