import Browser
import Causality
import Foundation
import MergeCore
import RejoinProcesses
import Testing
import Values

extension BrowserTests {
    /// What a page of another site can do with scripts.
    @Suite("pages of other sites")
    struct OtherOriginTests {
        /// Asks for everything that a browser's client needs, from the page that is open.
        private static let client = """
            const [server, token] = arguments;
            const told = {};
            const ask = (path, options = {}) => fetch(server + path, {
              ...options, headers: { authorization: "Bearer " + token, ...options.headers } });
            const operation = (id, record) => ({ operations: [{ id, kind: "create", collection: "estimates", record,
              clock: { "browser-1": 1 }, fields: { title: record } }] });
            const json = { "content-type": "application/json" };
            return (async () => {
              told.session = (await (await ask("/v1/session")).json()).device;
              const posted = await ask("/v1/batches", { method: "POST",
                headers: { ...json, "idempotency-key": "b-1" }, body: JSON.stringify(operation("o-1", "first")) });
              told.batch = (await posted.json()).results[0].outcome;
              told.replayed = posted.headers.get("idempotency-replayed");
              const pulled = await (await ask("/v1/changes")).json();
              told.pull = pulled.changes.map((change) => change.id);
              const stream = await ask("/v1/changes/stream?since=" + pulled.cursor);
              const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();
              const socket = new WebSocket(server.replace("http", "ws") + "/v1/socket", ["rejoin.v1", "bearer." + token]);
              const heard = [];
              const next = () => new Promise((done) => {
                socket.onmessage = (event) => { heard.push(JSON.parse(event.data)); done(); };
              });
              await new Promise((done, failed) => { socket.onopen = done; socket.onerror = () => failed("socket"); });
              told.protocol = socket.protocol;
              socket.send(JSON.stringify({ type: "batch", key: "b-2", body: operation("o-2", "second") }));
              await next();
              told.socket = heard[0].body.results[0].outcome;
              let text = "";
              while (!text.includes("event: change")) text += (await reader.read()).value;
              told.stream = text.includes('"collections":["estimates"]');
              await reader.cancel();
              socket.close();
              const refused = await ask("/v1/changes?limit=0");
              told.problem = (await refused.json()).code;
              return told;
            })().catch((error) => ({ ...told, failure: String(error) }));
            """

        private func ask(from origin: ServerProcess, _ server: ServerProcess, _ token: String) async throws -> Value {
            try await BrowserDriver.shared().withSession { session in
                let window = try await session.window()
                // Another host name is another origin, and another port as well.
                let page = origin.address.replacing("127.0.0.1", with: "localhost") + "/healthz"
                try await window.open(page)
                let told = try await window.script(
                    Self.client, .string(ExactString(server.address)), .string(ExactString(token)))
                // What is refused stands in the console, and is what is asked about here.
                _ = try await session.console()
                return told
            }
        }

        @Test("may do where it is allowed what a device does: session, batch, pull, stream, socket; else nothing")
        func otherOrigin() async throws {
            try await withFreshServer { site in
                let origin = site.address.replacing("127.0.0.1", with: "localhost")
                for (options, isAllowed) in [
                    (["--allow-origin", origin], true), (["--allow-origin", "*"], true), ([], false),
                ] {
                    try await withFreshServer(options, collections: ReviewFixture.collections) { server in
                        let minted = try await runRejoin([
                            "token", "--tenant", "acme", "--device", "browser-1", "--data", server.data,
                        ])
                        let token = minted.output.trimmingCharacters(in: .newlines)
                        let told = try await ask(from: site, server, token)
                        if isAllowed {
                            #expect(
                                told == [
                                    "session": "browser-1", "batch": "applied", "replayed": "false", "pull": ["first"],
                                    "protocol": "rejoin.v1", "socket": "applied", "stream": true,
                                    "problem": "invalid_request",
                                ], "\(options)")
                        } else {
                            #expect(told.canonicalText.contains("Failed to fetch"), "\(told.canonicalText)")
                            #expect(!told.canonicalText.contains("browser-1"))
                        }
                    }
                }
            }
        }
    }
}
