import MergeCore
import NIOCore
import StrictJSON
import SyncEngine
import SyncWire

/// One piece of an event stream, as the HTML Standard has it (section 9.2, "Server-sent events").
///
/// JSON has no line ends of its own, so a document is one `data` line.
struct StreamEvent: Sendable {
    let bytes: ByteBuffer

    /// How long a browser waits before it connects again.
    static let retry = StreamEvent(bytes: ByteBuffer(string: "retry: 2000\n\n"))
    /// A comment, so that everybody on the way sees that the stream is alive.
    static let keepAlive = StreamEvent(bytes: ByteBuffer(string: ": keep-alive\n\n"))

    /// There is something to pull. The event's id is the feed's end, so that nobody who comes back is told twice.
    static func change(_ hint: ChangeHint) -> StreamEvent {
        StreamEvent("change", id: hint.cursor, data: hint.encoded())
    }

    /// A page. The event's id is the page's cursor: with the event everything before it has been delivered.
    static func page(_ page: ChangesPage) -> StreamEvent {
        StreamEvent("page", id: page.end.cursor, data: page.encoded())
    }

    /// Why the stream ends. Whoever may come back is told when.
    static func end(_ problem: Problem, requestID: String) -> StreamEvent {
        var writer = JSONWriter(reservingCapacity: 512)
        problem.write(to: &writer, requestID: requestID)
        return StreamEvent("end", retrySeconds: problem.retryAfterSeconds, data: writer.bytes)
    }

    private init(bytes: ByteBuffer) { self.bytes = bytes }

    private init(_ name: String, id: String? = nil, retrySeconds: Int? = nil, data: [UInt8]) {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(data.count + 160)
        if let retrySeconds { bytes.writeString("retry: \(retrySeconds * 1000)\n") }
        if let id { bytes.writeString("id: \(id)\n") }
        bytes.writeString("event: \(name)\ndata: ")
        bytes.writeBytes(data)
        bytes.writeString("\n\n")
        self.bytes = bytes
    }
}
