//! Countries by ISO 3166-1 alpha-2 code or English name, for `country:`.

use super::fold;

/// Code, then the English short name and other names in use, separated by `|`; countries separated by `;`.
/// ISO 3166-1 as of 2024, and the user-assigned XK.
const COUNTRIES: &str = "\
KZ Kazakhstan;KG Kyrgyzstan|Kyrgyz Republic|Kirghizia;TJ Tajikistan;TM Turkmenistan;UZ Uzbekistan;\
AD Andorra;AE United Arab Emirates|UAE|Emirates;AF Afghanistan;AG Antigua and Barbuda;AI Anguilla;AL Albania;\
AM Armenia;AO Angola;AQ Antarctica;AR Argentina;AS American Samoa;AT Austria;AU Australia;AW Aruba;\
AX Åland Islands|Aland Islands;AZ Azerbaijan;BA Bosnia and Herzegovina|Bosnia;BB Barbados;BD Bangladesh;BE Belgium;\
BF Burkina Faso;BG Bulgaria;BH Bahrain;BI Burundi;BJ Benin;BL Saint Barthélemy|Saint Barthelemy;BM Bermuda;\
BN Brunei|Brunei Darussalam;BO Bolivia;BQ Bonaire, Sint Eustatius and Saba|Caribbean Netherlands;BR Brazil;\
BS Bahamas;BT Bhutan;BV Bouvet Island;BW Botswana;BY Belarus;BZ Belize;CA Canada;CC Cocos Islands|Keeling Islands;\
CD Democratic Republic of the Congo|DR Congo|DRC;CF Central African Republic;CG Congo|Republic of the Congo;\
CH Switzerland;CI Côte d'Ivoire|Cote d'Ivoire|Ivory Coast;CK Cook Islands;CL Chile;CM Cameroon;\
CN China|People's Republic of China|PRC;CO Colombia;CR Costa Rica;CU Cuba;CV Cabo Verde|Cape Verde;\
CW Curaçao|Curacao;CX Christmas Island;CY Cyprus;CZ Czechia|Czech Republic;DE Germany;DJ Djibouti;DK Denmark;\
DM Dominica;DO Dominican Republic;DZ Algeria;EC Ecuador;EE Estonia;EG Egypt;EH Western Sahara;ER Eritrea;ES Spain;\
ET Ethiopia;FI Finland;FJ Fiji;FK Falkland Islands;FM Micronesia;FO Faroe Islands;FR France;GA Gabon;\
GB United Kingdom|UK|Great Britain|Britain;GD Grenada;GE Georgia;GF French Guiana;GG Guernsey;GH Ghana;GI Gibraltar;\
GL Greenland;GM Gambia;GN Guinea;GP Guadeloupe;GQ Equatorial Guinea;GR Greece;\
GS South Georgia and the South Sandwich Islands|South Georgia;GT Guatemala;GU Guam;GW Guinea-Bissau;GY Guyana;\
HK Hong Kong;HM Heard Island and McDonald Islands;HN Honduras;HR Croatia;HT Haiti;HU Hungary;ID Indonesia;IE Ireland;\
IL Israel;IM Isle of Man;IN India;IO British Indian Ocean Territory;IQ Iraq;IR Iran|Islamic Republic of Iran;\
IS Iceland;IT Italy;JE Jersey;JM Jamaica;JO Jordan;JP Japan;KE Kenya;KH Cambodia;KI Kiribati;KM Comoros;\
KN Saint Kitts and Nevis;KP North Korea|DPRK|Democratic People's Republic of Korea;\
KR South Korea|Korea|Republic of Korea;KW Kuwait;KY Cayman Islands;LA Laos;LB Lebanon;LC Saint Lucia;\
LI Liechtenstein;LK Sri Lanka;LR Liberia;LS Lesotho;LT Lithuania;LU Luxembourg;LV Latvia;LY Libya;MA Morocco;\
MC Monaco;MD Moldova;ME Montenegro;MF Saint Martin;MG Madagascar;MH Marshall Islands;\
MK North Macedonia|Macedonia;ML Mali;MM Myanmar|Burma;MN Mongolia;MO Macao|Macau;MP Northern Mariana Islands;\
MQ Martinique;MR Mauritania;MS Montserrat;MT Malta;MU Mauritius;MV Maldives;MW Malawi;MX Mexico;MY Malaysia;\
MZ Mozambique;NA Namibia;NC New Caledonia;NE Niger;NF Norfolk Island;NG Nigeria;NI Nicaragua;\
NL Netherlands|Holland|The Netherlands;NO Norway;NP Nepal;NR Nauru;NU Niue;NZ New Zealand;OM Oman;PA Panama;PE Peru;\
PF French Polynesia;PG Papua New Guinea;PH Philippines;PK Pakistan;PL Poland;PM Saint Pierre and Miquelon;\
PN Pitcairn;PR Puerto Rico;PS Palestine|State of Palestine;PT Portugal;PW Palau;PY Paraguay;QA Qatar;\
RE Réunion|Reunion;RO Romania;RS Serbia;RU Russia|Russian Federation;RW Rwanda;SA Saudi Arabia;SB Solomon Islands;\
SC Seychelles;SD Sudan;SE Sweden;SG Singapore;SH Saint Helena|Saint Helena, Ascension and Tristan da Cunha;\
SI Slovenia;SJ Svalbard and Jan Mayen|Svalbard;SK Slovakia;SL Sierra Leone;SM San Marino;SN Senegal;SO Somalia;\
SR Suriname;SS South Sudan;ST São Tomé and Príncipe|Sao Tome and Principe;SV El Salvador;SX Sint Maarten;\
SY Syria|Syrian Arab Republic;SZ Eswatini|Swaziland;TC Turks and Caicos Islands;TD Chad;\
TF French Southern Territories;TG Togo;TH Thailand;TK Tokelau;TL Timor-Leste|East Timor;TN Tunisia;TO Tonga;\
TR Türkiye|Turkiye|Turkey;TT Trinidad and Tobago;TV Tuvalu;TW Taiwan;TZ Tanzania;UA Ukraine;UG Uganda;\
UM United States Minor Outlying Islands;US United States|USA|United States of America|America;UY Uruguay;\
VA Vatican|Holy See|Vatican City;VC Saint Vincent and the Grenadines;VE Venezuela;VG British Virgin Islands;\
VI US Virgin Islands|United States Virgin Islands;VN Vietnam|Viet Nam;VU Vanuatu;WF Wallis and Futuna;WS Samoa;\
XK Kosovo;YE Yemen;YT Mayotte;ZA South Africa;ZM Zambia;ZW Zimbabwe";

/// The English short name of a country.
pub fn country_name(code: &str) -> Option<&'static str> {
    names().find(|(of, _)| *of == code).map(|(_, name)| name)
}

/// Every country as (code, name); a country with several names comes several times.
pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    COUNTRIES
        .split(';')
        .filter_map(|country| country.split_once(' '))
        .flat_map(|(code, names)| names.split('|').map(move |name| (code, name)))
}

/// The code of a country that is given by code or English name, in any case.
pub(super) fn code_of(written: &str) -> Option<&'static str> {
    let wanted = fold::words(written, fold::Apostrophes::Part);
    names()
        .find(|(code, name)| code.eq_ignore_ascii_case(written) || fold::words(name, fold::Apostrophes::Part) == wanted)
        .map(|(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_found_by_code_and_name() {
        let cases = [
            ("KZ", Some("KZ")),
            ("kz", Some("KZ")),
            ("Kazakhstan", Some("KZ")),
            ("kyrgyz republic", Some("KG")),
            ("south korea", Some("KR")),
            ("Türkiye", Some("TR")),
            ("TURKEY", Some("TR")),
            ("uk", Some("GB")),
            ("guinea bissau", Some("GW")),
            ("cote d’ivoire", Some("CI")),
            ("XX", None),
            ("Kazakstan", None),
            ("", None),
        ];
        for (written, expected) in cases {
            assert_eq!(code_of(written), expected, "{written:?}");
        }
    }

    #[test]
    fn every_code_stands_once() {
        let mut codes: Vec<&str> = COUNTRIES.split(';').map(|country| &country[..2]).collect();
        assert!(codes.iter().all(|code| code.bytes().all(|byte| byte.is_ascii_uppercase())), "{codes:?}");
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 250, "249 of ISO 3166-1 and XK");
        assert_eq!(COUNTRIES.split(';').count(), 250);
    }
}
