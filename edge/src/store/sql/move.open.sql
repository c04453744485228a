-- The move that has not ended.
from moves where ended_at is null
