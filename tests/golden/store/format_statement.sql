-- statement = 'select 1'
SELECT formatQuerySingleLine({statement:String})
