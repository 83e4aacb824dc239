import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// Finds out who asks, and takes off a request what nobody is to believe.
struct ProxyHeaders: Sendable {
    private final class Notice: Sendable {
        let isGiven = Atomic(false)
    }

    let proxies: TrustedProxies
    /// Whether connections are over TLS.
    let isSecure: Bool
    let logger: Logger
    private let notice = Notice()

    init(proxies: TrustedProxies, isSecure: Bool, logger: Logger) {
        self.proxies = proxies
        self.isSecure = isSecure
        self.logger = logger
    }

    /// Who asks. Afterwards the request says by `X-Forwarded-Proto` whether the client's own connection is over TLS, and nothing
    /// else of what proxies say.
    func read(_ request: inout Request, on channel: any Channel) -> RequestOrigin {
        let connection = RequestOrigin(address: IPAddress(channel.remoteAddress), isSecure: isSecure)
        let origin = proxies.origin(request.headers, over: connection)
        var head = request.head
        for name in [HTTPField.Name.forwarded, .xForwardedFor, .xForwardedProto] {
            head.headerFields[values: name] = []
        }
        let isTold = head.headerFields.count < request.headers.count
        if origin.isSecure { head.headerFields[.xForwardedProto] = "https" }
        if isTold || origin.isSecure { request = Request(head: head, body: request.body) }
        if isTold, origin == connection { remark(connection.address) }
        return origin
    }

    /// Says once that somebody's word was not believed, so that whoever put up a proxy finds out.
    private func remark(_ address: IPAddress?) {
        guard let address, !proxies.contains(address), !notice.isGiven.exchange(true, ordering: .relaxed) else {
            return
        }
        logger.notice(
            "whom a request is from was said by somebody who is no trusted proxy, and not believed; see --trusted-proxy",
            metadata: ["address": "\(address)"])
    }

    /// What a page says of TLS to browsers (RFC 6797): this host is asked over TLS alone from now on.
    ///
    /// Pages alone say it, since programs do not mind it, and only over this server's own TLS: whoever puts up a proxy says there what
    /// is true of the host. `localhost` is many programs' host.
    func strictTransport(_ request: Request, _ response: inout Response) {
        guard isSecure, response.headers[.contentType]?.hasPrefix("text/html") == true,
            let host = request.head.authority.map({ $0.split(separator: ":").first.map(String.init) ?? "" }),
            !host.isEmpty, host != "localhost", !host.hasPrefix("["), IPAddress(host) == nil
        else { return }
        response.headers[.strictTransportSecurity] = "max-age=31536000"
    }
}
