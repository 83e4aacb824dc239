import Causality
import MergeCore
import NIOCore
import SyncEngine
import SyncWire

/// Commits the body of a batch, by whichever way it came, and counts what it cost.
struct BatchCommitting: Sendable {
    let engine: SyncEngine
    let metrics: ServerMetrics

    /// - Parameters:
    ///   - body: the batch as JSON.
    ///   - key: its idempotency key.
    ///   - device: whose batch it is.
    ///   - caller: who sent it.
    ///   - charge: what the request was taken from.
    ///   - mode: whether it is only tried.
    ///   - returning: how much the answer tells.
    ///   - receivedAt: when the request came, before its body was read.
    /// - Throws: what is wrong with the batch; `overloaded`, `storage_unavailable`.
    func commit(
        _ body: ByteBuffer, key: ExactString, of device: DeviceID, _ caller: Caller, _ charge: RequestCharge,
        mode: BatchSubmission.Mode, returning: BatchReturn, receivedAtMilliseconds receivedAt: Int64
    ) async throws(Problem) -> (answer: [UInt8], isReplayed: Bool) {
        // Before it is understood, which costs something even where it is nonsense.
        charge.spend(bytes: body.readableBytes)
        let request = try BatchRequest(body: body.readableBytesUInt8Span, limits: engine.limits.wire)
        guard request.device == nil || request.device == device else {
            throw Problem(
                .deviceMismatch, "The body names another device than the token. Send it with that device's token.")
        }
        let submission = BatchSubmission(
            tenant: caller.tenant, device: device, user: caller.user, key: key, request: request,
            mode: mode, answer: returning, receivedAtMilliseconds: receivedAt,
            byteCount: body.readableBytes)
        do {
            let reply = try await engine.commit(submission)
            let answer = reply.answer.encoded()
            if reply.isReplayed {
                charge.giveBack(bytes: body.readableBytes)
            } else {
                charge.spend(bytes: reply.writtenBytes + answer.count)
            }
            if mode == .commit {
                metrics.noteBatch(
                    reply.isReplayed ? .replayed : .committed, outcomes: reply.outcomes, rejections: reply.rejections)
            }
            return (answer, reply.isReplayed)
        } catch {
            metrics.noteBatch(.refused, rejections: error.rejections)
            throw error
        }
    }
}

extension Problem {
    /// How many operations of a refused batch were not applied for which reason: the first that is told of each.
    fileprivate var rejections: [Rejection.Code: Int] {
        var counts: [Rejection.Code: Int] = [:]
        var last: Int?
        for error in errors where error.index != nil && error.index != last {
            last = error.index
            if let code = Rejection.Code(rawValue: error.code.rawValue) { counts[code, default: 0] += 1 }
        }
        return counts
    }
}
