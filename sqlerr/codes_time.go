package sqlerr

// InvalidTimeZoneDisplacementValue is the code of a zone offset beyond 16 hours.
const InvalidTimeZoneDisplacementValue Code = "22009"
