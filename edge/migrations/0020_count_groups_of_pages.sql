-- How many groups of a company only pages have named: who knows its public id must not fill the table. Counted as they
-- come and go, for to count them anew would read them all.
alter table groups add column of_pages integer not null default 0; -- 1 while no server or admin has said anything of it
alter table companies add column groups_of_pages integer not null default 0;

update groups set of_pages = 1 where said = '{}';
update companies set groups_of_pages = (select count(*) from groups where company = companies.id and of_pages = 1);

create trigger groups_made after insert on groups
when new.of_pages = 1
begin
  update companies set groups_of_pages = groups_of_pages + 1 where id = new.company;
end;

create trigger groups_vouched after update of of_pages on groups
when old.of_pages = 1 and new.of_pages = 0
begin
  update companies set groups_of_pages = groups_of_pages - 1 where id = new.company;
end;

create trigger groups_deleted after delete on groups
when old.of_pages = 1
begin
  update companies set groups_of_pages = groups_of_pages - 1 where id = old.company;
end;
