import RejoinProcesses
import Foundation
import GRDB
import SeededRandom
import SyncedTables
import Testing

@testable import DeviceReplica

extension ClientProcessTests {
    /// A schema that nobody here made: the public sample database Chinook, a shop for music (github.com/lerocha/chinook-database). The
    /// tables, keys, types and sizes are Chinook's; the rows are made up, and a fifth as many but in a soak.
    @Suite("an app's schema: Chinook")
    struct ChinookTests {
        private static let tables = [
            "Album", "Artist", "Customer", "Employee", "Genre", "Invoice", "InvoiceLine", "MediaType", "Playlist",
            "PlaylistTrack", "Track",
        ].map { SyncedTable($0) }

        @Test("three files that are edited at once end equal, as sqldiff sees it")
        func threeFiles() async throws {
            try await withDirectory { directory in
                try await TestServer.run(schema: .open) { server in
                    let devices = try ["ada", "ben", "cara"].map {
                        try TableDevice($0, on: server, in: directory, Self.tables, schema: Chinook.schema)
                    }
                    try await devices[0].pool.write { try Chinook.fill($0) }
                    for device in devices { try await device.sync() }
                    try await Self.compare(devices)
                    for (index, device) in devices.enumerated() {
                        try await device.pool.write { try Self.edit($0, seed: UInt64(index + 1)) }
                    }
                    for _ in 0..<3 { for device in devices { try await device.sync() } }
                    for device in devices {
                        #expect(try await device.client.setAside() == [])
                        #expect(try await device.client.parked() == [])
                        #expect(try await device.client.unsendable() == [])
                    }
                    try await Self.compare(devices)
                    let prices = try await devices[2].rows("SELECT count(*) FROM Track WHERE UnitPrice > 2")
                    #expect(prices != ["0"], "the others' edits have arrived")
                }
            }
        }

        /// What the people of a shop do in a day.
        private static func edit(_ db: Database, seed: UInt64) throws {
            var random = SeededGenerator(seed: seed)
            for index in 0..<60 {
                let (number, id) = (random.below(700) + 1, Int(seed) * 100_000 + index)
                switch index % 6 {
                case 0:
                    try db.execute(
                        sql: "UPDATE Track SET UnitPrice = UnitPrice + 1.5 WHERE TrackId = ?", arguments: [number])
                case 1:
                    try db.execute(
                        sql: "UPDATE Customer SET Phone = ? WHERE CustomerId = ?",
                        arguments: ["+\(id)", number % 59 + 1])
                case 2:
                    try db.execute(
                        sql: """
                            INSERT INTO Invoice (InvoiceId, CustomerId, InvoiceDate, Total) VALUES (?, ?, '2026-11-28 00:00:00', 1.98);
                            INSERT INTO InvoiceLine (InvoiceLineId, InvoiceId, TrackId, UnitPrice, Quantity) VALUES (?, ?, ?, 0.99, 2)
                            """, arguments: [id, number % 59 + 1, id, id, number])
                case 3: try db.execute(sql: "DELETE FROM PlaylistTrack WHERE TrackId = ?", arguments: [number])
                case 4: try db.execute(sql: "INSERT OR IGNORE INTO PlaylistTrack VALUES (1, ?)", arguments: [number])
                case _:
                    try db.execute(
                        sql: "UPDATE Employee SET ReportsTo = ? WHERE EmployeeId = ?",
                        arguments: [random.below(2) + 1, number % 5 + 3])
                }
            }
        }

        private static func compare(_ devices: [TableDevice]) async throws {
            for device in devices { try await device.pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) } }
            for device in devices.dropFirst() {
                for table in tables {
                    let compared = try await runFound(
                        "sqldiff", "--primarykey", "--table", table.name, devices[0].path, device.path)
                    let said = compared.output + compared.errors
                    #expect(compared.exit == .code(0) && said.isEmpty, "\(said.prefix(500))")
                }
            }
        }
    }
}

/// The tables of Chinook, version 1.4, and rows in its numbers.
private enum Chinook {
    static let schema = """
        CREATE TABLE Album (AlbumId INTEGER NOT NULL, Title NVARCHAR(160) NOT NULL, ArtistId INTEGER NOT NULL,
            CONSTRAINT PK_Album PRIMARY KEY (AlbumId),
            FOREIGN KEY (ArtistId) REFERENCES Artist (ArtistId) ON DELETE NO ACTION ON UPDATE NO ACTION);
        CREATE TABLE Artist (ArtistId INTEGER NOT NULL, Name NVARCHAR(120), CONSTRAINT PK_Artist PRIMARY KEY (ArtistId));
        CREATE TABLE Customer (CustomerId INTEGER NOT NULL, FirstName NVARCHAR(40) NOT NULL, LastName NVARCHAR(20) NOT NULL,
            Company NVARCHAR(80), Address NVARCHAR(70), City NVARCHAR(40), State NVARCHAR(40), Country NVARCHAR(40),
            PostalCode NVARCHAR(10), Phone NVARCHAR(24), Fax NVARCHAR(24), Email NVARCHAR(60) NOT NULL, SupportRepId INTEGER,
            CONSTRAINT PK_Customer PRIMARY KEY (CustomerId),
            FOREIGN KEY (SupportRepId) REFERENCES Employee (EmployeeId) ON DELETE NO ACTION ON UPDATE NO ACTION);
        CREATE TABLE Employee (EmployeeId INTEGER NOT NULL, LastName NVARCHAR(20) NOT NULL, FirstName NVARCHAR(20) NOT NULL,
            Title NVARCHAR(30), ReportsTo INTEGER, BirthDate DATETIME, HireDate DATETIME, Address NVARCHAR(70),
            City NVARCHAR(40), State NVARCHAR(40), Country NVARCHAR(40), PostalCode NVARCHAR(10), Phone NVARCHAR(24),
            Fax NVARCHAR(24), Email NVARCHAR(60), CONSTRAINT PK_Employee PRIMARY KEY (EmployeeId),
            FOREIGN KEY (ReportsTo) REFERENCES Employee (EmployeeId) ON DELETE NO ACTION ON UPDATE NO ACTION);
        CREATE TABLE Genre (GenreId INTEGER NOT NULL, Name NVARCHAR(120), CONSTRAINT PK_Genre PRIMARY KEY (GenreId));
        CREATE TABLE Invoice (InvoiceId INTEGER NOT NULL, CustomerId INTEGER NOT NULL, InvoiceDate DATETIME NOT NULL,
            BillingAddress NVARCHAR(70), BillingCity NVARCHAR(40), BillingState NVARCHAR(40), BillingCountry NVARCHAR(40),
            BillingPostalCode NVARCHAR(10), Total NUMERIC(10,2) NOT NULL, CONSTRAINT PK_Invoice PRIMARY KEY (InvoiceId),
            FOREIGN KEY (CustomerId) REFERENCES Customer (CustomerId) ON DELETE NO ACTION ON UPDATE NO ACTION);
        CREATE TABLE InvoiceLine (InvoiceLineId INTEGER NOT NULL, InvoiceId INTEGER NOT NULL, TrackId INTEGER NOT NULL,
            UnitPrice NUMERIC(10,2) NOT NULL, Quantity INTEGER NOT NULL, CONSTRAINT PK_InvoiceLine PRIMARY KEY (InvoiceLineId),
            FOREIGN KEY (InvoiceId) REFERENCES Invoice (InvoiceId) ON DELETE NO ACTION ON UPDATE NO ACTION,
            FOREIGN KEY (TrackId) REFERENCES Track (TrackId) ON DELETE NO ACTION ON UPDATE NO ACTION);
        CREATE TABLE MediaType (MediaTypeId INTEGER NOT NULL, Name NVARCHAR(120),
            CONSTRAINT PK_MediaType PRIMARY KEY (MediaTypeId));
        CREATE TABLE Playlist (PlaylistId INTEGER NOT NULL, Name NVARCHAR(120), CONSTRAINT PK_Playlist PRIMARY KEY (PlaylistId));
        CREATE TABLE PlaylistTrack (PlaylistId INTEGER NOT NULL, TrackId INTEGER NOT NULL,
            CONSTRAINT PK_PlaylistTrack PRIMARY KEY (PlaylistId, TrackId),
            FOREIGN KEY (PlaylistId) REFERENCES Playlist (PlaylistId) ON DELETE NO ACTION ON UPDATE NO ACTION,
            FOREIGN KEY (TrackId) REFERENCES Track (TrackId) ON DELETE NO ACTION ON UPDATE NO ACTION);
        CREATE TABLE Track (TrackId INTEGER NOT NULL, Name NVARCHAR(200) NOT NULL, AlbumId INTEGER,
            MediaTypeId INTEGER NOT NULL, GenreId INTEGER, Composer NVARCHAR(220), Milliseconds INTEGER NOT NULL,
            Bytes INTEGER, UnitPrice NUMERIC(10,2) NOT NULL, CONSTRAINT PK_Track PRIMARY KEY (TrackId),
            FOREIGN KEY (AlbumId) REFERENCES Album (AlbumId) ON DELETE NO ACTION ON UPDATE NO ACTION,
            FOREIGN KEY (GenreId) REFERENCES Genre (GenreId) ON DELETE NO ACTION ON UPDATE NO ACTION,
            FOREIGN KEY (MediaTypeId) REFERENCES MediaType (MediaTypeId) ON DELETE NO ACTION ON UPDATE NO ACTION);
        CREATE INDEX IFK_AlbumArtistId ON Album (ArtistId);
        CREATE INDEX IFK_InvoiceLineTrackId ON InvoiceLine (TrackId);
        CREATE INDEX IFK_PlaylistTrackTrackId ON PlaylistTrack (TrackId);
        CREATE INDEX IFK_TrackAlbumId ON Track (AlbumId)
        """

    private static let tracks = isSoaking ? 3_503 : 700

    static func fill(_ db: Database) throws {
        func rows(_ count: Int, _ sql: String, _ arguments: (Int) -> StatementArguments) throws {
            let statement = try db.cachedStatement(sql: sql)
            for index in 1...count { try statement.execute(arguments: arguments(index)) }
        }
        try rows(275, "INSERT INTO Artist VALUES (?, ?)") { [$0, "Artist No. \($0), “die Ärzte” & co"] }
        try rows(347, "INSERT INTO Album VALUES (?, ?, ?)") { [$0, "Album \($0)", $0 % 275 + 1] }
        try rows(25, "INSERT INTO Genre VALUES (?, ?)") { [$0, "Genre \($0)"] }
        try rows(5, "INSERT INTO MediaType VALUES (?, ?)") { [$0, $0 == 3 ? nil : "Type \($0)"] }
        try rows(tracks, "INSERT INTO Track VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)") { index in
            [
                index, "Track \(index)", index % 347 + 1, index % 5 + 1, index % 25 + 1,
                index % 3 == 0 ? nil : "Composer \(index)",
                200_000 + index, 6_000_000_000 + index, index % 10 == 0 ? 1.99 : 0.99,
            ]
        }
        try rows(
            8, "INSERT INTO Employee (EmployeeId, LastName, FirstName, ReportsTo, BirthDate) VALUES (?, ?, 'x', ?, ?)"
        ) {
            [$0, "Name \($0)", $0 == 1 ? nil : $0 / 2, "19\(60 + $0)-02-1\($0) 00:00:00"]
        }
        try rows(
            59,
            "INSERT INTO Customer (CustomerId, FirstName, LastName, Email, SupportRepId) VALUES (?, 'Luís', ?, ?, ?)"
        ) {
            [$0, "Name \($0)", "customer\($0)@example.com", $0 % 3 + 3]
        }
        try rows(412, "INSERT INTO Invoice (InvoiceId, CustomerId, InvoiceDate, Total) VALUES (?, ?, ?, ?)") {
            [$0, $0 % 59 + 1, "2025-01-0\($0 % 9 + 1) 00:00:00", Double($0 % 20) * 0.99]
        }
        try rows(isSoaking ? 2_240 : 448, "INSERT INTO InvoiceLine VALUES (?, ?, ?, 0.99, 1)") {
            [$0, $0 % 412 + 1, $0 % tracks + 1]
        }
        try rows(18, "INSERT INTO Playlist VALUES (?, ?)") { [$0, "Playlist \($0)"] }
        try rows(isSoaking ? 8_715 : 1_743, "INSERT INTO PlaylistTrack VALUES (?, ?)") {
            [$0 % 18 + 1, $0 % tracks + 1]
        }
    }
}
