/// The batches of one device: each writes the next few of its records, which it alone writes, so that it knows their counter
/// without looking.
///
/// The records form windows of as many as a batch has operations. Batch `n` writes window `n mod windows`, so all records of a
/// window have the same counter.
public struct Batches: RequestStream {
    public static let collection = "estimates"

    public enum Kind: String, Sendable {
        case create, update
    }

    /// Which records lie in a window.
    public enum Windows: Sendable {
        /// Neighbours by id.
        case adjacent
        /// Spread evenly over all records.
        case spread
    }

    /// What is sent a second time.
    public enum Repetition: Sendable {
        case nothing
        /// After so many batches the first comes again, under its key, as when an answer was lost.
        case batches(of: Int)
        /// The operations of the first come again, in a batch that is new.
        case operations(of: Int)
    }

    /// What the batches of a device are.
    public struct Shape: Sendable {
        public var kind: Kind
        public var device: String
        /// The number of its first record; the others follow.
        public var firstRecord: Int
        /// Numbers for operations and batches that nobody in the tenant used before.
        public var firstNumber: Int
        /// When the edits were made, RFC 3339.
        public var at: String
        public var operations = 20
        public var windows = 20
        public var layout = Windows.adjacent
        public var identifiers = Identifiers.random
        public var repetition = Repetition.nothing
        /// The counter that this device's records have now; 0: none.
        public var counter: Int
        /// Other entries of the records' clocks: device and counter.
        public var seen: [(device: String, counter: Int)] = []
        /// JSON; `########` stands for a number that is another in every batch.
        public var fields = Shape.eightFields
        /// How many results of a batch have which outcome.
        public var outcomes: [(outcome: String, count: Int)] = []

        /// Five short fields, about 110 bytes.
        public static let fiveFields = """
            {"term":"Kitchen and bath ########","note":"Call before nine","lang":"de","reviewed":3,"paid":false}
            """

        /// Eight fields of the usual kinds, about 250 bytes.
        public static let eightFields = """
            {"title":"Kitchen and bath, revision ########","total":120350,"discount":12.5,"paid":false,\
            "client":"Familie Grünwald","notes":"Call before nine. The key is with the neighbour.",\
            "tags":["oak","tiles"],"address":{"street":"Hauptstraße 12","city":"München","zip":"80331"}}
            """

        public init(_ kind: Kind, device: String, firstRecord: Int, firstNumber: Int, at: String) {
            self.kind = kind
            self.device = device
            self.firstRecord = firstRecord
            self.firstNumber = firstNumber
            self.at = at
            counter = kind == .create ? 0 : 1
        }
    }

    private struct OperationSlots {
        let id: Template.Slot
        let record: Template.Slot
        let counter: Template.Slot
        let revision: Template.Slot
    }

    /// Where a UUID goes.
    private static let idMarker = String(repeating: "#", count: 36)

    private let shape: Shape
    private let expected: [(search: SubstringSearch, count: Int)]
    private var template: Template
    private let key: Template.Slot
    private let operations: [OperationSlots]
    private let bodyStart: Int
    private var sent = 0

    public init(_ endpoint: Endpoint, _ shape: Shape) {
        self.shape = shape
        let outcomes = shape.outcomes.isEmpty ? [("applied", shape.operations)] : shape.outcomes
        expected = outcomes.map { (SubstringSearch("\"outcome\":\"\($0.0)\""), $0.1) }
        let operations = Array(repeating: Self.operation(shape), count: shape.operations).joined(separator: ",")
        let body = "{\"device\":\"\(shape.device)\",\"operations\":[\(operations)]}"
        let head = """
            POST /v1/batches HTTP/1.1\r
            Host: 127.0.0.1:\(endpoint.port)\r
            Authorization: Bearer \(endpoint.token)\r
            Content-Type: application/json\r
            Idempotency-Key: "\(Self.idMarker)"\r
            Content-Length: \(body.utf8.count)\r
            \r

            """
        bodyStart = head.utf8.count
        let (template, slots) = Template.parse(head + body)
        self.template = template
        key = slots[0]
        self.operations = (0..<shape.operations).map { index in
            let first = 1 + index * 4
            return OperationSlots(
                id: slots[first], record: slots[first + 1], counter: slots[first + 2], revision: slots[first + 3])
        }
    }

    private static func operation(_ shape: Shape) -> String {
        let seen = shape.seen.map { "\"\($0.device)\":\($0.counter)," }.joined()
        return """
            {"id":"\(idMarker)","kind":"\(shape.kind.rawValue)","collection":"\(collection)",\
            "record":"\(idMarker)","clock":{\(seen)"\(shape.device)":########},"at":"\(shape.at)",\
            "fields":\(shape.fields)}
            """
    }

    /// Writes the ids and numbers of the next batch.
    private mutating func advance() {
        let (batch, number) =
            switch shape.repetition {
            case .nothing: (sent, sent)
            case .batches(let count): (sent % count, sent % count)
            case .operations(let count): (sent, sent % count)
            }
        let window = number % shape.windows
        let identifiers = shape.identifiers
        template.set(key, id: identifiers.id(.batch, shape.firstNumber + batch))
        for (index, slots) in operations.enumerated() {
            let record =
                switch shape.layout {
                case .adjacent: window * shape.operations + index
                case .spread: window + index * shape.windows
                }
            let operation = shape.firstNumber + number * shape.operations + index
            template.set(slots.id, id: identifiers.id(.operation, operation))
            template.set(slots.record, id: identifiers.id(.record, shape.firstRecord + record))
            template.set(slots.counter, shape.counter + number / shape.windows + 1)
            // Two devices never happen to write the same value.
            template.set(slots.revision, 10_000_000 + (shape.firstNumber / 1_000 + number) % 89_999_999)
        }
        sent += 1
    }

    public mutating func next<R>(
        _ body: (UnsafeRawBufferPointer) throws(LoadError) -> R
    ) throws(LoadError) -> R {
        advance()
        return try template.lend(body)
    }

    /// The next batch for who needs no HTTP: its key and its body.
    public mutating func nextBody() -> (key: String, body: [UInt8]) {
        advance()
        return (template.text(key), Array(template.bytes[bodyStart...]))
    }

    public func check(status: Int, body: UnsafeRawBufferPointer) throws(LoadError) {
        guard status == 200, expected.allSatisfy({ $0.search.count(in: body) == $0.count }) else {
            throw .unexpected(
                "\(status), not \(shape.operations) results as expected: "
                    + String(decoding: body.prefix(1_000), as: UTF8.self))
        }
    }
}
