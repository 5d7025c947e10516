-- Files.
SELECT 1;
