import Causality
import SyncWire

/// Asks the server, and reads what it answers.
struct ServerCalls: Sendable {
    let connection: any ServerConnection
    let time: ServerTime
    let log: SyncLogger
    let timeout: Duration

    /// What came of a call.
    enum Answer<Document: Sendable>: Sendable {
        case document(Document)
        case refused(Problem)
        /// No answer, or one that is none of the protocol: something else answered.
        case none
        case cancelled
    }

    /// Who asks: the token, and the device that it was asked for. A token of an identity provider knows no device; one that
    /// does is for this one.
    struct Credentials: Sendable {
        var token = ""
        var device: DeviceID?
        /// Which of the tenants is meant that the token's user is a member of; nil where the token says it, or there is one.
        var tenant: ExactString?
    }

    /// When a request went out and its answer came back, by the device's uptime.
    struct Exchange: Sendable, Hashable {
        let sent: Duration
        let received: Duration
    }

    func ask<Document>(
        _ call: WireCall<Document>, as caller: Credentials, held: Duration = .zero
    ) async -> (Answer<Document>, Exchange) {
        var headers = ["Authorization": "Bearer \(caller.token)"]
        if let device = caller.device {
            let header = WireCall<Document>.naming(device)
            headers[header.name] = header.value
        }
        if let tenant = caller.tenant {
            let header = WireCall<Document>.choosing(tenant)
            headers[header.name] = header.value
        }
        for header in call.headers { headers[header.name] = header.value }
        let request = ServerRequest(
            method: call.method.rawValue, path: call.path, headers: headers, body: call.body, timeout: timeout + held)
        let sent = time.clock.uptime()
        let what = "\(request.method) \(request.path.prefix { $0 != "?" })"
        do {
            let response = try await connection.send(request)
            let exchange = Exchange(sent: sent, received: time.clock.uptime())
            log.log(
                .debug,
                "\(what): \(response.status), \(request.body?.count ?? 0) bytes out, \(response.body.count) in, "
                    + "\((exchange.received - sent).milliseconds) ms")
            return (answer(call, response, what), exchange)
        } catch {
            let exchange = Exchange(sent: sent, received: time.clock.uptime())
            if error == .cancelled { return (.cancelled, exchange) }
            log.log(.notice, "\(what): no answer (\(error))")
            return (.none, exchange)
        }
    }

    private func answer<Document>(
        _ call: WireCall<Document>, _ response: ServerResponse, _ what: String
    ) -> Answer<Document> {
        do throws(WireCallError) {
            return .document(
                try call.answer(
                    status: response.status, body: response.body, retryAfterSeconds: response.retryAfterSeconds))
        } catch {
            switch error {
            case .refused(let problem):
                log.log(.notice, "\(what): \(problem.code.rawValue)")
                return .refused(problem)
            case .unreadable(let status, _):
                log.log(.warning, "\(what): an answer of status \(status) that is none of the server's")
                return .none
            }
        }
    }
}
