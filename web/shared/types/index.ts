/** The JSON the API speaks: one type per shape of the contract. Ids are opaque strings, times RFC 3339 in UTC, money in fen. */
export type * from './base';
export type * from './live';
export type * from './claims';
export type * from './phone';
export type * from './photos';
export type * from './desk';
export type * from './planning';
export type * from './track';
