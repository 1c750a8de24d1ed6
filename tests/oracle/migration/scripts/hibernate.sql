
    create sequence orders_SEQ start with 1 increment by 50;

    create sequence line_item_seq start with 1 increment by 1;

    create table orders (
        id bigint not null,
        placed timestamp(6) with time zone,
        status smallint check (status between 0 and 2),
        total numeric(38,2),
        customer varchar(255),
        primary key (id)
    );

    create table line_items (
        id integer not null,
        quantity integer not null,
        price float(53),
        gift boolean not null,
        kind varchar(255) check (kind in ('BOOK','GAME')),
        order_id bigint not null,
        primary key (id)
    );

    alter table if exists orders
       drop constraint if exists UK_customer;

    alter table if exists orders
       add constraint UK_customer unique (customer);

    create index IDXplaced
       on orders (placed);

    alter table if exists line_items
       add constraint FKorder
       foreign key (order_id)
       references orders;

    insert into orders (id, placed, status, total, customer) values (nextval('orders_seq'), '2024-01-01 10:00:00Z', 1, 10.50, 'Ann');
    insert into line_items (id, quantity, price, gift, kind, order_id) values (nextval('line_item_seq'), 2, 5.25, false, 'BOOK', 1);
