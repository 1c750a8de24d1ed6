create table profiles (
  id uuid primary key default gen_random_uuid(),
  updated_at timestamp with time zone,
  username text unique,
  website text,
  constraint username_length check (char_length(username) >= 3)
);

alter table profiles enable row level security;

create policy "Public profiles are viewable by everyone." on profiles
  for select using (true);

create policy "Users can update own profile." on profiles
  for update using (username = current_user);

create function public.handle_new_user() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  new.updated_at := now();
  return new;
end;
$$;

create trigger on_profile_created
  before insert on profiles
  for each row execute procedure public.handle_new_user();

insert into profiles (id, username, website, updated_at)
values ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'ada', 'https://example.org/?a=1;b=2', '2024-01-01');
