// People: the list, and one person by id.

import { route } from '../route';
import { List } from './people/list';
import { Person } from './people/person';
import './people/people.css';

export default function People() {
  const [id] = route.value.rest;
  return id ? <Person key={id} id={id} /> : <List />;
}
