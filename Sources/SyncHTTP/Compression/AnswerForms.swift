import NIOCore
import SyncWire
import Synchronization

/// A whole answer in the forms in which it is sent. Each is made once for all who are answered with it.
final class AnswerForms: Sendable {
    /// The answer as it is.
    let plain: ByteBuffer
    private let compressing = Mutex<Task<ByteBuffer?, Never>?>(nil)

    init(_ plain: ByteBuffer) { self.plain = plain }

    /// The answer as gzip; nil where there is no memory for it, and the plain one has to do.
    ///
    /// Whoever asks first begins, and is charged with what that takes; it goes on though whoever asked first goes away.
    func gzipped(chargedTo charge: MemoryCharge?) async -> ByteBuffer? {
        if let task = compressing.withLock({ $0 }) { return await task.value }
        do throws(Problem) {
            try charge?.take(plain.readableBytes + GzipEncoder.stateBytes)
        } catch {
            return nil
        }
        defer { charge?.giveBack(plain.readableBytes + GzipEncoder.stateBytes) }
        let task = compressing.withLock { running in
            let task = running ?? Task { [plain] in await plain.gzipped() }
            running = task
            return task
        }
        return await task.value
    }
}
