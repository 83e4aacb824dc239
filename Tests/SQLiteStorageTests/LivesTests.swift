import Foundation
import GRDB
import SeededRandom
import StorageConformance
import SyncStorage
import Testing

@testable import SQLiteStorage

/// What has happened to a copy of a data set, and where readers have been, told without any life.
private struct Copy {
    /// What was committed to it, in order: numbers that no other commit has.
    var commits: [Int] = []
    /// The life in which it is served.
    var life: LifeID?
}

/// A reader: its place, and what it has seen.
private struct Reader {
    let place: Int64
    let life: LifeID
    let seen: [Int]
}

@Suite("lives of a file")
struct LivesTests {
    private static let tenant: TenantID = "tenant"

    private func course(_ store: SQLiteStore, _ reader: Reader) async throws -> FeedCourse {
        let query = ChangeQuery(after: reader.place, in: reader.life, limit: 1)
        let page = try await store.changes(Self.tenant, query)
        let records = try await store.records(Self.tenant, RecordsQuery([], after: reader.place, in: reader.life))
        #expect(page.course == records.course, "the feed and the records differ")
        return try #require(page.course)
    }

    private func reader(_ store: SQLiteStore, _ copy: Copy) async throws -> Reader {
        let page = try await store.changes(Self.tenant, ChangeQuery(after: 0, in: store.life, limit: 1_000))
        let life = try #require(page.course?.life)
        #expect(life == store.life && page.course?.isContinued == true && page.reached == Int64(copy.commits.count))
        return Reader(place: page.reached, life: life, seen: copy.commits)
    }

    @Test("a file that was put back serves no reader of what it lost, however far it has grown since", arguments: [3])
    func putBack(commits: Int) async throws {
        try await withTemporaryPath { path in
            let backup = path + ".backup"
            var store = try SQLiteStore.open(at: path)
            try await store.put(count: commits)
            try raw(path) { try $0.execute(sql: "VACUUM INTO ?", arguments: [backup]) }
            let early = Reader(place: 2, life: store.life, seen: [])
            try await store.put(count: 2)
            let late = Reader(place: Int64(commits) + 2, life: store.life, seen: [])
            await store.close()
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
            try FileManager.default.copyItem(atPath: backup, toPath: path)
            store = try SQLiteStore.open(at: path)
            // Beyond the end of all.
            #expect(try await course(store, late) == FeedCourse(life: store.life, isContinued: false))
            try await store.put(count: 10)
            #expect(try await course(store, late) == FeedCourse(life: store.life, isContinued: false))
            #expect(try await course(store, early) == FeedCourse(life: store.life, isContinued: true))
            await store.close()
        }
    }

    /// Copies of one file are made, put back, served and written to in any order, and readers go from one to the other. A
    /// reader who may go on has seen what the file's past is; one who may not has not, or was told so in a life that left
    /// nothing behind.
    @Test("whoever may go on has seen the past of what is served")
    func histories() async throws {
        let seed =
            ProcessInfo.processInfo.environment["REJOIN_TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        var (goneOn, refused, needless) = (0, 0, 0)
        for _ in 0..<12 {
            try await withTemporaryPath { path in
                var copies: [String: Copy] = [path: Copy()]
                var paths = [path]
                var readers = [Reader(place: 0, life: .beforeAny, seen: [])]
                var next = 0
                /// What each life has committed or told, in any copy: the beginnings that it leaves behind.
                for _ in 0..<14 {
                    let place = paths[generator.below(paths.count)]
                    var copy = copies[place] ?? Copy()
                    let store = try SQLiteStore.open(at: place)
                    for _ in 0..<(1 + generator.below(4)) {
                        switch generator.below(4) {
                        case 0:
                            let count = 1 + generator.below(3)
                            try await store.put(count: count)
                            copy.commits += (0..<count).map { next + $0 }
                            next += count
                        case 1: readers.append(try await reader(store, copy))
                        case 2:
                            let target = path + "-\(paths.count)"
                            try raw(place) { try $0.execute(sql: "VACUUM INTO ?", arguments: [target]) }
                            copies[target] = copy
                            paths.append(target)
                        case _:
                            for reader in readers {
                                let course = try await course(store, reader)
                                let isPast = copy.commits.starts(with: reader.seen)
                                #expect(course.life == store.life, "seed \(seed)")
                                if course.isContinued {
                                    #expect(isPast, "a reader would miss what it never saw; seed \(seed)")
                                    goneOn += 1
                                } else if isPast {
                                    needless += 1
                                } else {
                                    refused += 1
                                }
                            }
                        }
                    }
                    copies[place] = copy
                    await store.close()
                }
            }
        }
        #expect(goneOn > 50 && refused > 50, "\(goneOn) went on and \(refused) did not; seed \(seed)")
        // Who was told only what an earlier life had committed, in a life that this copy does not know.
        #expect(needless < goneOn, "\(needless) beside \(goneOn); seed \(seed)")
    }

    @Test("a start that commits nothing sends no reader back, and lives are forgotten in the end")
    func starts() async throws {
        try await withTemporaryPath { path in
            var store = try SQLiteStore.open(at: path)
            try await store.put(count: 3)
            let first = Reader(place: 3, life: store.life, seen: [])
            for _ in 0..<3 {
                await store.close()
                store = try SQLiteStore.open(at: path)
                #expect(try await course(store, first).isContinued)
            }
            let idle = Reader(place: 3, life: store.life, seen: [])
            await store.close()
            store = try SQLiteStore.open(at: path)
            try await store.put(count: 1)
            for reader in [first, idle] { #expect(try await course(store, reader).isContinued) }
            #expect(try await course(store, Reader(place: 4, life: first.life, seen: [])).isContinued == false)
            #expect(try await course(store, Reader(place: 4, life: .random(), seen: [])).isContinued == false)
            // A cursor of a time without lives.
            #expect(try await course(store, Reader(place: 1, life: .beforeAny, seen: [])).isContinued == false)
            await store.close()
            try raw(path) { database in
                try database.execute(
                    sql: """
                        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
                        INSERT INTO lives (number, id) SELECT 1000 + i, -i FROM n
                        """, arguments: [LifeID.rememberedCount])
            }
            store = try SQLiteStore.open(at: path)
            #expect(try await course(store, first).isContinued == false)
            let counts = try await store.onReader { database in
                try [
                    Int.fetchOne(database, sql: "SELECT count(*) FROM lives") ?? -1,
                    Int.fetchOne(database, sql: "SELECT count(*) FROM life_beginnings") ?? -1,
                ]
            }
            #expect(counts == [LifeID.rememberedCount, 0])
            await store.close()
        }
    }

    @Test("what a command commits beside a server belongs to the server's life")
    func besideServer() async throws {
        try await withTemporaryPath { path in
            var store = try SQLiteStore.open(at: path)
            try await store.put(count: 1)
            let beside = try SQLiteStore.openBeside(at: path)
            #expect(beside.life == store.life)
            await store.close()
            store = try SQLiteStore.open(at: path)
            try await store.put(count: 1)
            // The command was there before the server was started anew.
            try await beside.put(count: 1)
            try await store.put(count: 1)
            #expect(try await course(store, Reader(place: 4, life: store.life, seen: [])).isContinued)
            await beside.close()
            await store.close()
        }
    }
}
