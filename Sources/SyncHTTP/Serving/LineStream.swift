import Hummingbird
import NIOCore
import StrictJSON
import SyncWire

/// A body of lines that may be refused when some of them have been sent. It is then too late for the head's status, so
/// the last line says why.
struct LineStream: Sendable {
    let requestID: String
    let metrics: ServerMetrics

    /// - Parameter write: writes all lines. What it throws as a problem is the stream's last line.
    func body(
        _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> ResponseBody {
        ResponseBody { writer in
            do {
                try await write(&writer)
            } catch let problem as Problem {
                metrics.noteProblem(problem.code)
                try await writer.write(ByteBuffer(bytes: line(problem)))
            }
            try await writer.finish(nil)
        }
    }

    /// A problem as a line. `retryAfter` is what the header of the same name says where a problem is the whole answer.
    private func line(_ problem: Problem) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 512)
        problem.writeLine(to: &writer, requestID: requestID)
        writer.endLine()
        return writer.bytes
    }
}
