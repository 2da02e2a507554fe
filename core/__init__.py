"""The cellar: settings, database, clock, queue, outbox, audit. No insurance word and no map word lives here."""
