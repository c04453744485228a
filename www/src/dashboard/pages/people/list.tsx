// The list of people: search, filters, order, and pages by cursor.

import { answer, type Schema } from '../../../api';
import { isLocal } from '../../../local';
import { usePages } from '../../load';
import { Select } from '../../parts/forms';
import { Empty, Problem, Waiting } from '../../parts/feedback';
import { Code, type Column, More, number, Page, plural, Table } from '../../parts/display';
import { setQuery, route, shop, to } from '../../route';
import { ColumnChoice, chosen, type PeopleColumn, type SortBy, type User } from './columns';
import { asQuery, filtersOf, isFiltered, UserFilters } from './filters';

const PAGE = 50;
/** The most common orders. The table's headers offer all of them. */
const SORTS: [value: string, name: string][] = [
  ['', 'Unsorted'],
  ['createdAt desc', 'Newest first'],
  ['createdAt asc', 'Oldest first'],
  ['updatedAt desc', 'Recently changed first'],
  ['firstName asc', 'First name'],
  ['lastName asc', 'Last name'],
];

const SORT = /^(createdAt|updatedAt|firstName|lastName) (asc|desc)$/;

/** A person's name in one line. */
export const displayName = ({ name, email, id }: Pick<User, 'name' | 'email' | 'id'>) => name || email || id;

function total(answer: Schema<'Users'> | undefined): string {
  const total = answer && 'total' in answer.pagination ? answer.pagination.total : undefined;
  if (total === undefined) return '';
  return typeof total === 'number' ? plural(total, 'person', 'people') : `${number(total.value)} or more people`;
}

function FirstPerson() {
  const curl = `curl ${location.origin}/api/webhooks/events \\
  -H 'X-TrackMate-API-Key: tm_live_…' -H 'Content-Type: application/json' \\
  -d '{"identifier":{"email":"ann@example.com"},"eventType":"signed_up","user":{"firstName":"Ann"}}'`;
  return (
    <Empty title="No people yet">
      <p>
        A person appears here when a page calls <code>TrackMate.identify({'{email}'})</code>, a form submits a contact,
        or your server sends an event with an email address:
      </p>
      <Code text={curl} label="the request" />
      {isLocal && (
        <p>
          Or create an account in the <a href={shop()}>demo shop</a>.
        </p>
      )}
    </Empty>
  );
}

/** The list's last URL, for the link back to it. */
let lastAddress = '';
export const backToList = () => lastAddress || to(['people']);

export function List() {
  const { query } = route.value;
  const filters = filtersOf(query);
  const [, sortBy, sortOrder] = (SORT.exec(query.get('sort') ?? '') as [string, SortBy, 'asc' | 'desc'] | null) ?? [];
  const sort = sortBy ? `${sortBy} ${sortOrder}` : '';
  lastAddress = location.hash;
  const parameters = { ...filters, ...(sortBy && { sortBy, sortOrder }), limit: PAGE };
  const pages = usePages(
    (admin, cursor): Promise<Schema<'Users'>> =>
      answer(admin.GET('/api/admin/users', { params: { query: { ...parameters, cursor } } })),
    ({ users }) => users,
    [JSON.stringify(parameters)],
  );
  const column = ({ sort, ...rest }: PeopleColumn): Column<User> => {
    const order = sort && sortBy === sort ? sortOrder : undefined;
    return {
      ...rest,
      sort: sort && { order, by: () => setQuery({ sort: `${sort} ${order === 'asc' ? 'desc' : 'asc'}` }) },
    };
  };
  const columns: Column<User>[] = [
    {
      name: 'Name',
      show: (user) => (
        <a class="name line" href={to(['people', user.id])}>
          {displayName(user)}
        </a>
      ),
    },
    ...chosen().map(column),
  ];
  return (
    <Page
      title="People"
      lead={<span aria-live="polite">{pages.first || pages.error ? total(pages.first) : 'Counting…'}</span>}
      actions={
        <a class="button secondary" href={to(['exports'], { kind: 'users', ...asQuery(filters) })}>
          Export these
        </a>
      }
    >
      <UserFilters filters={filters} />
      <div class="filters spread">
        <Select
          label="Sort by"
          value={sort}
          set={(sort) => setQuery({ sort })}
          options={SORTS.some(([value]) => value === sort) ? SORTS : [...SORTS, [sort, 'As in the table']]}
        />
        <ColumnChoice users={pages.items} />
      </div>
      <Problem error={pages.error} retry={pages.reload} />
      {pages.first ? (
        <div class={pages.busy || pages.error ? 'card stale' : 'card'} aria-busy={pages.busy}>
          {pages.items.length ? (
            <Table caption="People" columns={columns} items={pages.items} keyOf={(user) => user.id} />
          ) : isFiltered(filters) ? (
            <Empty title="No people match">
              <p>Remove a filter, or search for the first letters of another word.</p>
            </Empty>
          ) : (
            <FirstPerson />
          )}
          <More pages={pages} />
        </div>
      ) : (
        !pages.error && <Waiting />
      )}
    </Page>
  );
}
