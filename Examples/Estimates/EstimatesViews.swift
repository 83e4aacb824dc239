#if canImport(SwiftUI)
    import Foundation
    import RejoinClient
    import SwiftUI

    @main
    struct EstimatesApp: App {
        @Environment(\.scenePhase) private var scenePhase
        @State private var model = Result { try EstimatesModel() }

        var body: some Scene {
            WindowGroup {
                switch model {
                case .success(let model):
                    EstimateList(model: model)
                        .task { await model.sync() }
                        .task { await model.followRows() }
                        .task { await model.followRecords() }
                        .task { await model.followConflicts() }
                        .task { await model.followStatus() }
                        .onChange(of: scenePhase) { if scenePhase == .active { model.wake() } }
                case .failure(let error):
                    ContentUnavailableView(
                        "The estimates cannot be opened", systemImage: "externaldrive.badge.exclamationmark",
                        description: Text(error.localizedDescription))
                }
            }
        }
    }

    /// What the views show, and what the user does.
    @MainActor @Observable
    final class EstimatesModel {
        private(set) var estimates: [Estimate] = []
        private(set) var undecided: [Estimate.ID: [String]] = [:]
        private(set) var conflicts: [MetConflict] = []
        private(set) var status: SyncStatus?
        var failure: String?

        private let store: EstimateStore

        init() throws {
            let server = UserDefaults.standard.string(forKey: Setting.server) ?? Setting.usualServer
            guard let address = URL(string: server) else { throw URLError(.badURL) }
            let folder = try FileManager.default.url(
                for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
            store = try EstimateStore(folder: folder, server: address) { _ in
                // An app asks its identity provider here.
                let token = UserDefaults.standard.string(forKey: Setting.token) ?? ""
                guard !token.isEmpty else { throw URLError(.userAuthenticationRequired) }
                return token
            }
        }

        // MARK: What the user does

        func add(_ title: String) { attempt { try await $0.add(title) } }
        func save(_ edited: Estimate, shown: Estimate) { attempt { try await $0.save(edited, shown: shown) } }
        func countVisit(_ id: Estimate.ID) { attempt { try await $0.countVisit(id) } }
        func delete(_ ids: [Estimate.ID]) { attempt { for id in ids { try await $0.delete(id) } } }
        func decideStatus(_ status: String, of id: Estimate.ID) {
            attempt { try await $0.decideStatus(status, of: id) }
        }
        func wake() { attempt { await $0.client.wake() } }

        private func attempt(_ action: @escaping @Sendable (EstimateStore) async throws -> Void) {
            Task {
                do { try await action(store) } catch { failure = error.localizedDescription }
            }
        }

        /// The device id that a token has to be for.
        func device() async -> String { (try? await store.client.device()).map { "\($0)" } ?? "" }

        // MARK: What happens

        /// Sends and takes until the app ends. It tries again by itself after every failure.
        func sync() async {
            do {
                try await store.client.run()
            } catch is CancellationError {
            } catch { failure = "Sync has ended: \((error as? SyncFailure)?.words ?? error.localizedDescription)" }
        }

        func followRows() async {
            await follow { for try await rows in self.store.observeEstimates() { self.estimates = rows } }
        }

        /// What SQL does not tell: which statuses are to be decided, and what is not sent yet.
        func followRecords() async {
            await follow {
                for try await records in self.store.client.observe("estimates") {
                    self.undecided = EstimateStore.undecidedStatuses(in: records)
                    self.status = try await self.store.client.status()
                }
            }
        }

        func followConflicts() async {
            await follow { for try await met in self.store.client.observeConflicts() { self.conflicts = met } }
        }

        func followStatus() async {
            await follow {
                for await _ in self.store.client.phase { self.status = try await self.store.client.status() }
            }
        }

        private func follow(_ body: () async throws -> Void) async {
            do { try await body() } catch is CancellationError {} catch { failure = error.localizedDescription }
        }
    }

    /// Where the app's settings are kept.
    enum Setting {
        static let server = "server"
        static let token = "token"
        static let usualServer = "http://127.0.0.1:8080"
    }

    struct EstimateList: View {
        @Bindable var model: EstimatesModel
        @State private var title = ""
        @State private var sheet: Sheet?

        enum Sheet: String, Identifiable {
            case conflicts, settings
            var id: Self { self }
        }

        var body: some View {
            NavigationStack {
                List {
                    TextField("New estimate", text: $title)
                        .onSubmit {
                            model.add(title)
                            title = ""
                        }
                    ForEach(model.estimates) { estimate in
                        NavigationLink(value: estimate.id) {
                            EstimateRow(estimate: estimate, isUndecided: model.undecided[estimate.id] != nil)
                        }
                    }
                    .onDelete { offsets in model.delete(offsets.map { model.estimates[$0].id }) }
                }
                .navigationTitle("Estimates")
                .navigationDestination(for: Estimate.ID.self) { id in
                    if let estimate = model.estimates.first(where: { $0.id == id }) {
                        EstimateForm(model: model, estimate: estimate)
                    } else {
                        ContentUnavailableView("This estimate was deleted", systemImage: "trash")
                    }
                }
                .toolbar {
                    ToolbarItem(placement: .status) {
                        Text(model.status?.words ?? "").font(.footnote).foregroundStyle(.secondary)
                    }
                    ToolbarItem(placement: .primaryAction) {
                        Button("Conflicts", systemImage: "arrow.triangle.branch") { sheet = .conflicts }
                            .disabled(model.conflicts.isEmpty)
                    }
                    ToolbarItem(placement: .primaryAction) {
                        Button("Settings", systemImage: "gear") { sheet = .settings }
                    }
                }
            }
            .sheet(item: $sheet) { sheet in
                switch sheet {
                case .conflicts: ConflictList(conflicts: model.conflicts)
                case .settings: SettingsForm(model: model)
                }
            }
            .alert("That did not work", isPresented: $model.failure.isPresent) {
                Button("OK") {}
            } message: {
                Text(model.failure ?? "")
            }
        }
    }

    struct EstimateRow: View {
        let estimate: Estimate
        let isUndecided: Bool

        var body: some View {
            VStack(alignment: .leading) {
                Text(estimate.title)
                HStack {
                    if isUndecided { Image(systemName: "questionmark.circle") }
                    Text("\(estimate.status ?? "no status") · \(estimate.visits) visits")
                }
                .font(.caption)
                .foregroundStyle(.secondary)
            }
        }
    }

    struct EstimateForm: View {
        let model: EstimatesModel
        let estimate: Estimate
        /// What the fields were filled with. Saving writes what differs from it, and no more.
        @State private var shown: Estimate
        @State private var edited: Estimate
        @State private var isDeciding = false
        @Environment(\.dismiss) private var dismiss

        init(model: EstimatesModel, estimate: Estimate) {
            self.model = model
            self.estimate = estimate
            _shown = State(initialValue: estimate)
            _edited = State(initialValue: estimate)
        }

        var body: some View {
            Form {
                Section {
                    TextField("Title", text: $edited.title)
                    TextField("Client", text: $edited.client.orEmpty)
                    TextField("Total in cents", value: $edited.total, format: .number)
                    TextField("Notes", text: $edited.notes.orEmpty)
                }
                Section("Status") {
                    TextField("Status", text: $edited.status.orEmpty)
                    if model.undecided[estimate.id] != nil {
                        Button("Which status? There are several.") { isDeciding = true }
                    }
                }
                Section {
                    LabeledContent("Visits", value: "\(estimate.visits)")
                    Button("Count a visit") { model.countVisit(estimate.id) }
                }
            }
            .navigationTitle(edited.title)
            .toolbar {
                ToolbarItem(placement: .confirmationAction) {
                    Button("Save") {
                        model.save(edited, shown: shown)
                        dismiss()
                    }
                    .disabled(edited == shown)
                }
            }
            // As long as nothing was typed, the fields follow what others do.
            .onChange(of: estimate) {
                guard edited == shown else { return }
                shown = estimate
                edited = estimate
            }
            .sheet(isPresented: $isDeciding) {
                StatusChoice(statuses: model.undecided[estimate.id] ?? []) { model.decideStatus($0, of: estimate.id) }
            }
        }
    }

    /// Which status? Devices gave different ones, and the server takes none of them for right.
    struct StatusChoice: View {
        let statuses: [String]
        let choose: (String) -> Void
        @Environment(\.dismiss) private var dismiss

        var body: some View {
            NavigationStack {
                List(statuses, id: \.self) { status in
                    Button(status) {
                        choose(status)
                        dismiss()
                    }
                }
                .navigationTitle("Which status?")
                .toolbar { ToolbarItem(placement: .cancellationAction) { Button("Later") { dismiss() } } }
            }
            .presentationDetents([.medium])
        }
    }

    /// The conflicts that edits of this device met, with what was written here and what shows now.
    struct ConflictList: View {
        let conflicts: [MetConflict]

        var body: some View {
            NavigationStack {
                List(conflicts.reversed(), id: \.position) { conflict in Text(conflict.words) }
                    .navigationTitle("Conflicts")
            }
        }
    }

    struct SettingsForm: View {
        let model: EstimatesModel
        @AppStorage(Setting.server) private var server = Setting.usualServer
        /// It stands here so that the example needs no identity provider. A real app keeps its tokens in the keychain.
        @AppStorage(Setting.token) private var token = ""
        @State private var device = ""

        var body: some View {
            Form {
                Section("Server") { TextField("Address, from the next start on", text: $server) }
                Section("Token") {
                    LabeledContent("For the device", value: device)
                    SecureField("Token", text: $token)
                }
            }
            .task { device = await model.device() }
            .onChange(of: token) { model.wake() }
        }
    }

    extension Binding where Value == String? {
        /// A text that is empty where there is none.
        fileprivate var orEmpty: Binding<String> {
            Binding<String> {
                wrappedValue ?? ""
            } set: {
                wrappedValue = $0.isEmpty ? nil : $0
            }
        }

        /// Whether there is a text; setting it to false lets it go.
        fileprivate var isPresent: Binding<Bool> {
            Binding<Bool> {
                wrappedValue != nil
            } set: {
                if !$0 { wrappedValue = nil }
            }
        }
    }
#endif
