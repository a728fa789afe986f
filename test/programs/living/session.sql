-- A session of sqlite3: a database with a write-ahead log and a mapped file, changed in transactions, kept whole, dumped.
.bail on
pragma journal_mode = wal;
pragma mmap_size = 4194304;
pragma synchronous = normal;
create table city (id integer primary key, name text not null unique, people integer check (people >= 0));
create table road (a integer references city, b integer references city, length real, primary key (a, b)) without rowid;
create index by_people on city (people desc);
create trigger no_way_to_itself before insert on road when new.a = new.b
begin
  select raise(ignore);
end;
begin;
with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)
insert into city select i, printf('city %04d', i), (i * 7919) % 100003 from n;
with recursive n (i) as (select 1 union all select i + 1 from n where i < 9000)
insert or ignore into road select 1 + (i * 31) % 3000, 1 + (i * 17) % 3000, i / 7.0 from n;
commit;
savepoint s;
delete from city where id % 2 = 0;
rollback to s;
release s;
select count(*), sum(people), max(name) from city;
select count(*), round(sum(length), 3) from road;
select name, people, rank() over (order by people desc) from city limit 5;
with recursive reach (id, steps) as (
  select 1, 0 union select b, steps + 1 from road join reach on a = id where steps < 6
)
select steps, count(*) from reach group by steps;
create virtual table words using fts5 (text);
insert into words select name || ' of ' || people from city where id <= 200;
select text from words where words match 'city AND 0042';
select json_group_array(json_object('name', name, 'people', people)) from (select * from city where id < 4);
pragma wal_checkpoint(truncate);
update city set people = people + 1 where id <= 100;
vacuum into 'copy.db';
pragma integrity_check;
.output dump.sql
.dump
.output stdout
attach 'copy.db' as copy;
select count(*) from (select * from main.city except select * from copy.city);
.timeout 20000
