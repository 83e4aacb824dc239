import Hummingbird
import Logging
import NIOCore

/// What belongs to one request while it is served.
public struct ServerContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// The request's name in the answer, in problems and in the log.
    public let requestID: String
    /// What the request holds of the process's memory.
    var charge: MemoryCharge?
    let channel: any Channel
    /// From where the request is, as it is told in the log and counted in limits.
    var address: IPAddress?

    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        requestID = Self.newRequestID()
        channel = source.channel
    }

    static func newRequestID() -> String {
        let digits = Array("0123456789abcdef".utf8)
        var number = UInt64.random(in: .min ... .max)
        var text: [UInt8] = []
        for _ in 0..<16 {
            text.append(digits[Int(number & 15)])
            number >>= 4
        }
        return String(decoding: text, as: UTF8.self)
    }
}
